"""Puts the document together: the app's routes, what they share, what is true of them all."""

import re
import sys
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Any

from apispec import APISpec
from flask import Flask
from werkzeug.routing import Rule

from inventory.api.contract import contract_of
from inventory.api.openapi import access, answers, inputs, parameters
from inventory.api.openapi.links import links_of
from inventory.api.openapi.operations import Here, Route, operation, problem_response, problems_of
from inventory.api.openapi.problem_types import ProblemType, base_schema, types_of

_PARAMETER = re.compile(r"<(?:[^:<>]+:)?([^:<>]+)>")
# What Flask answers by itself.
_AUTOMATIC = frozenset({"HEAD", "OPTIONS"})

_DESCRIPTION = """\
Stock for storefronts: what can be bought, by whom it is held, and where every unit went. Stock
never falls below what is allowed, whoever is refused was refused by counters that were real, and
what was answered with success has happened.

**Retries.** Send an `Idempotency-Key` with every change of stock: a new one for each change, the
same one for its retries. The retry gets the first answer, with `Idempotent-Replayed: true`. That is
also how to find out what became of a change that was answered with 503 `outcome_unknown`, or not
answered at all.

**Freshness.** After an answered change every later read shows it. Reads of products carry an
`ETag`: with `If-None-Match` they are answered 304 while nothing has changed. `Cache-Control:
no-cache` reads the database. A proxy in front may keep reads of products for a second or two; its
answers say so in `X-Edge-Cache`, and `no-cache` passes by it. Edits and deletions need `If-Match`,
so that nobody overwrites what they have not seen.

**Keys.** Where the service can be reached from outside, requests need an API key with the scope
that the operation names. A secret key belongs on a server. A publishable one may stand in a page:
it reads the catalogue and buys, and sees nothing of anybody else. What was answered to a retry is
seen by the same client only.

**Sessions.** A page of the service's own origin signs in once with a secret key (`POST
/api/session`), and is known by a cookie from then on, which scripts cannot read. What its key may
do it may do, and what it changes needs the session's `csrf_token` as `X-CSRF-Token`. It ends after
twelve hours, or with its key: 401 `session_expired`. A key in a header goes before the cookie.
Answers to a session are `private`, or not to be kept at all.

**Numbers.** Amounts of money are exact decimals, answered as text. Whole numbers are just that:
`true`, `"1"` and `1.0` are refused. Unknown members of a body, unknown parameters and parameters
given twice are refused as well.

**Limits.** There may be limits of requests a minute, of all and of those that take stock, for each
key and each address. Answers then say how the client stands with the limit that is nearest to its
end (`X-RateLimit-Limit`, `-Remaining`, `-Reset`). One request too many is answered 429
`rate_limited`, with `Retry-After`: nothing was done and nothing was counted. Sent again later, with
the same `Idempotency-Key` if it had one, it is answered as if it came for the first time.

**Problems.** Every error is `application/problem+json` (RFC 9457). Programs tell problems apart by
`code`, which never changes; `type` leads to what a problem means and whether to try again. A path
that does not exist is answered 404 `not_found`, a method that a path does not have 405
`method_not_allowed` with `Allow`. Every answer carries `X-Request-ID`, which the service's logs
carry too. Where there is `GET`, there is `HEAD`.
"""


def build(app: Flask, *, version: str, here: Here) -> dict[str, Any]:
    """Return the OpenAPI document of an app, as it is served `here`."""
    plugin = inputs.plugin()
    spec = APISpec(
        title="Inventory stock API",
        version=version,
        openapi_version="3.1.0",
        plugins=[plugin],
        info={"description": _DESCRIPTION},
        servers=[{"url": "/", "description": "This very service"}],
    )
    inputs.teach(plugin)
    _add_shared(spec, here)
    assert plugin.converter is not None
    known, schemas = list(routes(app)), answers.answers()
    for route in known:
        described = operation(route, plugin.converter, here)
        for status, links in links_of(route, known, schemas).items():
            described["responses"][status]["links"] = links
        spec.path(path=route.path, operations={route.method: described})
    inputs.complete(spec.components.schemas)
    for tag in dict.fromkeys(route.tag for route in routes(app)):
        spec.tag({"name": tag, "description": _room_description(app, tag)})
    _add_problems(spec, [found for route in routes(app) for found in problems_of(route)])
    return dict(spec.to_dict())


def routes(app: Flask) -> Iterator[Route]:
    """Yield every route of the app that has a contract, in the order of their registration."""
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        promised = contract_of(view)
        if promised is None:
            continue
        tag, _, name = rule.endpoint.rpartition(".")
        for method in methods(rule):
            yield Route(
                path=_PARAMETER.sub(r"{\1}", rule.rule),
                method=method.lower(),
                name=name,
                tag=tag,
                path_parameters=_PARAMETER.findall(rule.rule),
                description=view.__doc__ or "",
                contract=promised,
            )


def methods(rule: Rule) -> list[str]:
    """Return the methods of a route that views answer."""
    return sorted((rule.methods or set()) - _AUTOMATIC)


def _add_shared(spec: APISpec, here: Here) -> None:
    components = spec.components
    for name, schema in answers.answers().items():
        components.schema(name, schema)
    for name, header in parameters.answer_headers().items():
        components.header(name, header)
    for name, parameter in parameters.request_headers(
        key_required=here.idempotency_key_required
    ).items():
        components.parameter(name, "header", parameter)
    for name, scheme in access.security_schemes().items():
        components.security_scheme(name, scheme)


def _add_problems(spec: APISpec, met: Iterable[ProblemType]) -> None:
    """Add the kinds of problems that operations meet, and those without any operation."""
    components = spec.components
    (nowhere,) = types_of([], [HTTPStatus.NOT_FOUND])
    (not_so,) = types_of([], [HTTPStatus.METHOD_NOT_ALLOWED])
    components.schema("Problem", base_schema())
    for name, schema in {t.schema_name: t.schema() for t in (*met, nowhere, not_so)}.items():
        components.schema(name, schema)
    components.response("NotFound", problem_response([nowhere]))
    refused = problem_response([not_so])
    refused["headers"]["Allow"] = {"$ref": "#/components/headers/Allow"}
    components.response("MethodNotAllowed", refused)


def _room_description(app: Flask, tag: str) -> str:
    """Return the first sentence of the module that a blueprint is made in."""
    module = sys.modules[app.blueprints[tag].import_name]
    return (module.__doc__ or "").split("\n", 1)[0]
