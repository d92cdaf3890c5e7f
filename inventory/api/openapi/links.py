"""Where an answer leads: which operations take what it tells, as OpenAPI links.

They follow from names alone. An answer tells the id of what it describes, and of what that belongs
to; every operation with a parameter of that name takes it. To an operation that needs `If-Match`
lead only answers that have an `ETag`. One that needs lines gets one: of the answer's own, or of the
product that it is about. A list leads to its own next page.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from inventory.api.openapi.operations import Route

Object = dict[str, Any]

_ID = "#/components/schemas/Id"
_NEXT = "next_cursor"
_ETAG = "ETag"
_LINES = "lines"
# Where a path calls a thing otherwise than its schema does.
_NOUNS = {"ApiKey": "key", "NewApiKey": "key", "NewWebhook": "webhook"}


def links_of(route: Route, routes: Sequence[Route], schemas: Mapping[str, Object]) -> Object:
    """Return the links of each success of an operation, by its status."""
    found: Object = {}
    for status, name in route.contract.answers.items():
        members = schemas.get(name, {}).get("properties", {})
        links = _to_others(route, routes, _told(name, members))
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
        told[f"{_NOUNS.get(name, name.lower())}_id"] = "$response.body#/id"
    if _LINES in members:
        told[_LINES] = f"$response.body#/{_LINES}/0/product_id"
    return told


def _to_others(route: Route, routes: Sequence[Route], told: Mapping[str, str]) -> Object:
    links: Object = {}
    for target in routes:
        taken = {name: told[name] for name in _parameters(target) if name in told}
        # What is in lines, of what an answer is about; of a product alone, a line of it.
        product = told.get(_LINES) if taken else told.get("product_id")
        needs_lines = _needs_lines(target) and len(taken) == len(target.path_parameters)
        body = _body(target, product) if needs_lines and product else {}
        if target is not route and (taken or body) and _can_follow(route, target):
            links[target.name] = _link(target, taken) | body
    return links


def _needs_lines(target: Route) -> bool:
    body = target.contract.body
    return body is not None and _LINES in body.fields and body.fields[_LINES].required


def _body(target: Route, product: str) -> Object:
    """Return a body with one line, and one unit in it."""
    assert target.contract.body is not None
    lines: Any = target.contract.body.fields[_LINES]
    asked = {name: 1 for name, field in lines.inner.schema.fields.items() if field.required}
    return {"requestBody": {_LINES: [asked | {"product_id": f"{{{product}}}"}]}}


def _can_follow(route: Route, target: Route) -> bool:
    """Tell whether an answer has the `ETag` that the target asks for, if it does."""
    return not target.contract.conditional or _ETAG in route.contract.headers


def _parameters(target: Route) -> Iterator[str]:
    yield from target.path_parameters
    if target.contract.query is not None:
        yield from target.contract.query.fields


def _link(target: Route, taken: Mapping[str, str]) -> Object:
    parameters = dict(taken)
    if target.contract.conditional:
        parameters["If-Match"] = f"$response.header.{_ETAG}"
    link = {"operationId": target.name, "description": f"{target.contract.summary}."}
    return link | ({"parameters": parameters} if parameters else {})


def _to_next_page(route: Route) -> Object:
    parameters = {"cursor": f"$response.body#/{_NEXT}"}
    parameters |= {name: f"$request.path.{name}" for name in route.path_parameters}
    return {
        "operationId": route.name,
        "description": f"The next page, unless `{_NEXT}` is null; with the same other parameters.",
        "parameters": parameters,
    }
