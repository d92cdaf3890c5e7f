"""Where an answer leads: which operations take what it tells, as OpenAPI links.

They follow from names alone. An answer tells the id of what it describes, and of what that belongs
to; every operation with a parameter of that name takes it. To an operation that needs `If-Match`
lead only answers that have an `ETag`; to one that needs lines, the answer's own are taken. A list
leads to its own next page.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from inventory.api.openapi.operations import Route

Object = dict[str, Any]

_ID = "#/components/schemas/Id"
_NEXT = "next_cursor"
_ETAG = "ETag"
# Of what was answered the first line, one unit of it.
_LINE = {"product_id": "{$response.body#/lines/0/product_id}", "quantity": 1}
_BODY = {"requestBody": {"lines": [_LINE]}}


def links_of(route: Route, routes: Sequence[Route], schemas: Mapping[str, Object]) -> Object:
    """Return the links of each success of an operation, by its status."""
    found: Object = {}
    for status, name in route.contract.answers.items():
        members = schemas.get(name, {}).get("properties", {})
        links = _to_others(route, routes, _told(name, members), with_lines="lines" in members)
        if _NEXT in members and "cursor" in _parameters(route):
            links[route.name] = _to_next_page(route)
        if links:
            found[str(status)] = links
    return found


def _told(name: str, members: Mapping[str, Object]) -> dict[str, str]:
    """Return the parameters that an answer tells, and the expression for each."""
    told = {
        member: f"$response.body#/{member}"
        for member, schema in members.items()
        if schema.get("$ref") == _ID and member != "id"
    }
    if "id" in members:
        told[f"{name.lower()}_id"] = "$response.body#/id"
    return told


def _to_others(
    route: Route, routes: Sequence[Route], told: Mapping[str, str], *, with_lines: bool
) -> Object:
    return {
        target.name: _link(target, name, expression)
        | (_BODY if with_lines and _needs_lines(target) else {})
        for name, expression in told.items()
        for target in routes
        if target is not route and name in _parameters(target) and _can_follow(route, target)
    }


def _needs_lines(target: Route) -> bool:
    """Tell whether an operation wants to know which lines of what it is about."""
    body = target.contract.body
    return body is not None and "lines" in body.fields and body.fields["lines"].required


def _can_follow(route: Route, target: Route) -> bool:
    """Tell whether an answer has the `ETag` that the target asks for, if it does."""
    return not target.contract.conditional or _ETAG in route.contract.headers


def _parameters(target: Route) -> Iterator[str]:
    yield from target.path_parameters
    if target.contract.query is not None:
        yield from target.contract.query.fields


def _link(target: Route, name: str, expression: str) -> Object:
    parameters = {name: expression}
    if target.contract.conditional:
        parameters["If-Match"] = f"$response.header.{_ETAG}"
    return {
        "operationId": target.name,
        "description": f"{target.contract.summary}.",
        "parameters": parameters,
    }


def _to_next_page(route: Route) -> Object:
    parameters = {"cursor": f"$response.body#/{_NEXT}"}
    parameters |= {name: f"$request.path.{name}" for name in route.path_parameters}
    return {
        "operationId": route.name,
        "description": f"The next page, unless `{_NEXT}` is null; with the same other parameters.",
        "parameters": parameters,
    }
