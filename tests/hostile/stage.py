"""Where hostile calls are made: a product with its purchase and its hold, and every operation."""

import json
from collections.abc import Mapping
from typing import Any

from flask import Flask

from tests.hostile.asking import Answer, ask
from tests.hostile.places import (
    Fitting,
    Operation,
    Pointer,
    body_places,
    is_text,
    names_a_product,
    operations,
    put,
)


class Stage:
    """The app with one product of each thing that a path or a body can name."""

    def __init__(self, app: Flask, product: dict[str, Any]) -> None:
        self.app = app
        self.product = product
        document = ask(app, "GET", "/openapi.json").json
        self.document: dict[str, Any] = document
        self.operations = operations(document)
        self.fits = Fitting(document)
        # So much of it that every payload may take some back.
        lines = [{"product_id": product["id"], "quantity": 1_000}]
        bought = self._make("/api/purchases", {"lines": lines})
        held = self._make("/api/reservations", {"lines": lines, "ttl_seconds": 3_600})
        key = self._make("/api/keys", {"client": "a shop", "scopes": ["catalog:read"]})
        webhook = self._make("/api/webhooks", {"url": "https://shop.example/hook"})
        sent = self._make(f"/api/webhooks/{webhook['id']}/test", None, 202)
        self._names = {
            # There is none: what one has sold would be tidied up behind its back for seconds.
            "rehearsal_id": "0" * 24,
            "webhook_id": webhook["id"],
            "delivery_id": sent["id"],
            "product_id": product["id"],
            "purchase_id": bought["id"],
            "reservation_id": held["id"],
            "key_id": key["id"],
            "file": "init.js",
            "code": "not_found",
        }

    def _make(self, path: str, body: Any, status: int = 201) -> Any:
        answer = ask(self.app, "POST", path, json.dumps(body).encode() if body else b"")
        assert answer.status == status, answer
        return answer.json

    def reset(self) -> None:
        """Give the product its sku back."""
        path, body = f"/api/products/{self.product['id']}", {"sku": self.product["sku"]}
        answer = ask(self.app, "PATCH", path, json.dumps(body).encode(), {"If-Match": "*"})
        assert answer.status == 200, answer

    def example(self, operation: Operation) -> Any:
        """Return the example of an operation's body, about the things that there are here.

        A crowd of one comes to a rehearsal: each that is begun goes on behind the next calls.
        """
        body = self._settled(operation.example)
        return body | {"buyers": 1} if isinstance(body, dict) and "buyers" in body else body

    def _settled(self, part: Any, within: bool = False) -> Any:
        if isinstance(part, list):
            return [self._settled(item, True) for item in part]
        if not isinstance(part, dict):
            return part
        # As many as there are at most, so that no count is below what others hold.
        ours = {"product_id": self.product["id"], "sku": self.product["sku"], "counted": 10**6}
        return {
            name: ours[name] if within and name in ours else self._settled(value)
            for name, value in part.items()
        }

    def body_places(self, operation: Operation) -> list[tuple[Pointer, Mapping[str, Any]]]:
        """Return the places in the body of an operation, none if it has no body."""
        if operation.schema is None:
            return []
        return list(body_places(self.document, operation.schema, self.example(operation)))

    def texts(self, operation: Operation) -> list[tuple[Pointer, Mapping[str, Any]]]:
        """Return the places in the body of an operation that hold free text."""
        return [
            (at, schema)
            for at, schema in self.body_places(operation)
            # The same tag twice is refused.
            if is_text(schema) and not names_a_product(at) and at[-1] != 1
        ]

    def filled(
        self, operation: Operation, places: list[tuple[Pointer, Mapping[str, Any]]], text: str
    ) -> tuple[Any, list[Pointer]]:
        """Return a good body with `text` in all of these places that it fits, and which they are.

        A sku that it does not fit is left out, for there is only one of each.
        """
        body, filled = self.example(operation), []
        for at, schema in places:
            if self.fits(schema, text):
                body = put(body, at, text)
                filled.append(at)
        if filled and "sku" in body and ("sku",) not in filled:
            body["sku"] = None
        return body, filled

    def send(
        self,
        operation: Operation,
        body: Any = None,
        *,
        raw: bytes | None = None,
        path: Mapping[str, str] | None = None,
        query: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Carry an operation out, with its example unless told otherwise."""
        target = operation.path.format(**self._names | dict(path or {}))
        if operation.schema is not None and raw is None:
            raw = json.dumps(self.example(operation) if body is None else body).encode()
        sent = {"If-Match": "*"} if "If-Match" in operation.parameters["header"] else {}
        return ask(
            self.app,
            operation.method,
            f"{target}?{query}" if query else target,
            raw or b"",
            sent | dict(headers or {}),
        )
