"""One contract as one operation of the document: parameters, body, and every answer there is."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from inspect import cleandoc
from itertools import groupby
from typing import Any

from apispec.ext.marshmallow.openapi import OpenAPIConverter

from inventory import errors
from inventory.api import problems
from inventory.api.authentication import CHANGES_NOTHING
from inventory.api.contract import Contract
from inventory.api.openapi.access import scope_wording, security_of
from inventory.api.openapi.building import reference
from inventory.api.openapi.inputs import described_as, schema_name
from inventory.api.openapi.parameters import (
    CHALLENGE,
    REPLAYED,
    REQUEST_ID,
    RETRY_AFTER,
    path_parameter,
)
from inventory.api.openapi.problem_types import ProblemType, types_of
from inventory.api.openapi.transfers import rows_body
from inventory.api.openapi.wording import EXAMPLES
from inventory.api.rates import HEADERS as RATE_HEADERS

Object = dict[str, Any]

_SUCCESS = {
    HTTPStatus.OK: "Done.",
    HTTPStatus.CREATED: "Created.",
    HTTPStatus.ACCEPTED: "Taken on; it is done in the background.",
    HTTPStatus.NO_CONTENT: "Done; there is nothing to be said about it.",
    HTTPStatus.MULTI_STATUS: "Done in part; each item says what became of it.",
    HTTPStatus.NOT_MODIFIED: "What the client has is still current.",
}


@dataclass(frozen=True, slots=True)
class Here:
    """What differs between two deployments: what clients have to send."""

    idempotency_key_required: bool
    authenticates: bool
    public_reads: bool


@dataclass(frozen=True, slots=True)
class Route:
    """A contract, and where in the app it is found."""

    path: str
    method: str
    name: str
    tag: str
    path_parameters: Sequence[str]
    description: str
    contract: Contract


def operation(route: Route, converter: OpenAPIConverter, here: Here) -> Object:
    """Return the operation that a route offers; its body's schema is added to the document."""
    promised = route.contract
    described: Object = {
        "operationId": route.name,
        "tags": [route.tag],
        "summary": promised.summary,
        "description": f"{cleandoc(route.description)}\n\n{scope_wording(promised)}",
        "security": security_of(
            promised,
            route.method,
            key_needed=here.authenticates,
            public_reads=here.public_reads,
        ),
        "parameters": _parameters(route, converter),
        "responses": responses(route),
    }
    if promised.body is not None:
        described["requestBody"] = _body(promised, converter)
    if promised.rows is not None:
        described["requestBody"] = rows_body(promised.rows, promised.media_types, converter)
    return described


def problems_of(route: Route) -> list[ProblemType]:
    """Return every kind of problem that an operation can answer with."""
    promised = route.contract
    by_session = promised.needs_key and route.method.upper() not in CHANGES_NOTHING
    of_method = [errors.InvalidCsrfToken] if by_session else []
    return types_of(
        [*promised.implied_problems(), *of_method, *promised.problems],
        [*promised.statuses, *promised.implied_statuses()],
    )


def responses(route: Route) -> Object:
    """Return every answer of an operation by its status."""
    promised = route.contract
    answered = {str(int(status)): _success(promised, status) for status in promised.answers}
    types = sorted(problems_of(route), key=lambda found: found.status)
    for status, group in groupby(types, key=lambda found: found.status):
        answered[str(int(status))] = problem_response(
            list(group), replayable=promised.idempotent, limited=promised.stores
        )
    return answered


def problem_response(
    types: Sequence[ProblemType], *, replayable: bool = False, limited: bool = False
) -> Object:
    """Return the answer that is one of these kinds of problems."""
    headers = [REQUEST_ID]
    if any(found.status is HTTPStatus.UNAUTHORIZED for found in types):
        headers.append(CHALLENGE)
    if any(found.retry_after for found in types):
        headers.append(RETRY_AFTER)
    if replayable and any(found.kept for found in types):
        headers.append(REPLAYED)
    if limited:
        headers += RATE_HEADERS
    return {
        "description": "\n".join(
            f"- [`{found.code}`]({found.uri}): {found.description}" for found in types
        ),
        "headers": _headers(headers),
        "content": {problems.MEDIA_TYPE: {"schema": _one_of(types)}},
    }


def _one_of(types: Sequence[ProblemType]) -> Object:
    references = {found.code: reference(found.schema_name) for found in types}
    if len(types) == 1:
        return references[types[0].code]
    mapping = {code: schema["$ref"] for code, schema in references.items()}
    return {
        "oneOf": list(references.values()),
        "discriminator": {"propertyName": "code", "mapping": mapping},
    }


def _success(promised: Contract, status: int) -> Object:
    headers = [REQUEST_ID, *promised.headers]
    if promised.idempotent:
        headers.append(REPLAYED)
    if promised.stores:
        headers += RATE_HEADERS
    answer: Object = {
        "description": _SUCCESS[HTTPStatus(status)],
        "headers": _headers(headers),
    }
    if name := promised.answers[status]:
        answer["content"] = {
            media_type: {"schema": reference(name)} | _example(name)
            for media_type in promised.produces
        }
    return answer


def _parameters(route: Route, converter: OpenAPIConverter) -> list[Object | str]:
    """Return the parameters of an operation; those that are shared by name."""
    promised = route.contract
    names = [REQUEST_ID]
    if promised.idempotent:
        names.append("Idempotency-Key")
    if promised.conditional:
        names.append("If-Match")
    if HTTPStatus.NOT_MODIFIED in promised.answers:
        names.append("If-None-Match")
    if "X-Cache" in promised.headers:
        names.append("Cache-Control")
    query = []
    if promised.query is not None:
        query = converter.schema2parameters(promised.query, location="query")
    return [
        *(path_parameter(name) for name in route.path_parameters),
        *query,
        *names,
    ]


def _body(promised: Contract, converter: OpenAPIConverter) -> Object:
    assert promised.body is not None
    content: Object = {"schema": described_as(promised.body, converter)}
    content |= _example(schema_name(promised.body))
    return {
        "required": not promised.body_optional,
        "content": dict.fromkeys(promised.media_types, content),
    }


def _example(name: str) -> Object:
    return {"example": EXAMPLES[name]} if name in EXAMPLES else {}


def _headers(names: Iterable[str]) -> Object:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
