"""The OpenAPI document, built without a server, and how to find one's way in it."""

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from flask import Blueprint, Flask

import inventory
import inventory.api
from inventory.api.contract import Contract
from inventory.api.openapi.document import build, routes
from inventory.api.openapi.operations import Here
from inventory.api.service import Service

JSONSchema = dict[str, Any]
# As it is where others can reach the service.
_HERE = Here(idempotency_key_required=False, authenticates=True, public_reads=False)


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path, and what the document says of it."""

    method: str
    path: str
    said: dict[str, Any]
    contract: Contract

    @property
    def tag(self) -> str:
        """The name of its room."""
        return str(self.said["tags"][0])

    @property
    def line(self) -> str:
        """What a request of it begins with."""
        return f"{self.method.upper()} {self.path}"


@cache
def app() -> Flask:
    """Return an app that has all routes, and nothing behind them."""
    app = Service("inventory")
    for module in iter_modules(inventory.api.__path__, "inventory.api."):
        blueprint = getattr(import_module(module.name), "bp", None)
        if isinstance(blueprint, Blueprint):
            app.register_blueprint(blueprint)
    return app


@cache
def document() -> dict[str, Any]:
    """Return the document of that app."""
    return build(app(), version=inventory.__version__, here=_HERE)


def operations() -> list[Operation]:
    """Return all operations, those of the shop before those about the service itself."""
    found = [
        Operation(
            route.method,
            route.path,
            document()["paths"][route.path][route.method],
            route.contract,
        )
        for route in routes(app())
    ]
    return sorted(found, key=lambda one: not one.path.startswith("/api/"))


def resolved(said: dict[str, Any]) -> dict[str, Any]:
    """Return what a reference stands for; what is none is returned as it is."""
    if "$ref" not in said:
        return said
    _, _, kind, name = said["$ref"].split("/")
    found: dict[str, Any] = document()["components"][kind][name]
    return found


def reference_name(said: dict[str, Any]) -> str | None:
    """Return the name of what a reference stands for; None where it is none."""
    target = said.get("$ref")
    return None if target is None else str(target.rpartition("/")[2])


def schemas() -> dict[str, JSONSchema]:
    """Return the schemas that are no problem documents, by name."""
    found = document()["components"]["schemas"].items()
    return {name: said for name, said in found if not is_problem(name)}


def is_problem(name: str) -> bool:
    """Tell whether a schema is that of a problem document."""
    return name.endswith("Problem")
