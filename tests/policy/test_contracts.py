"""Every route has a contract, and the document says what the contract and the code say."""

import inspect
import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from flask import Flask, g
from marshmallow import ValidationError
from openapi_schema_validator import OAS31Validator, oas31_format_checker

from inventory.api import problems
from inventory.api.bodies import parse_json
from inventory.api.contract import Contract, contract_of
from inventory.api.openapi.document import methods, routes
from inventory.api.openapi.facts import FACTS
from inventory.api.openapi.inputs import schema_name
from inventory.api.openapi.problem_types import problem_types, types_of
from inventory.app import close_app, create_app
from inventory.errors import Excess, InventoryError, Shortage
from inventory.settings import Settings

# What only its subclasses are raised as, and what never leaves the rooms behind `api`.
NEVER_ANSWERED = {
    "InventoryError",
    "NotFound",
    "Refused",
    "Unavailable",
    "RequestProblem",
    "AuthenticationFailed",
    "Replayed",
    "ClaimTaken",
    "InvalidRow",
}
# Values that tell checks of text, numbers, lists and objects apart.
SUSPECTS: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 1.5, -0.5, 2**70, 10**15, 10**12 - 1, 10**12),
    *("", " ", "x", "a\nb", "a\tb", "\x00", "\x85", "\u00a0", "é", "😀" * 64, "😀" * 65),
    *("USD", "usd", "USDX", "19.90", "19,90", "-1", "1e3", "received", "theft "),
    *([], ["a"], ["a", "a"], ["a", "b"], [""], [1], [None], [f"{n}" for n in range(51)]),
    *({}, {"a": None}, {"a": 1}, {"a": "x\ny"}, {"a": "\x00"}, {"a": []}, {"a": {}}),
    *({"1": "x"}, {"a" * 64: 1}, {"a" * 65: 1}, {"a": True}, {"a": 10**15}, {"a": "x" * 1001}),
    *({"quantity": 1, "window_seconds": 1}, {"quantity": 1}, {"quantity": 0, "window_seconds": 1}),
    {f"a{n}": n for n in range(101)},
    *([line := {"product_id": "x", "quantity": 1}], [line, line], [{**line, "sku": "x"}]),
    *(
        [{"sku": "x", "quantity": 1}],
        [{"quantity": 1}],
        [{**line, "quantity": 0}],
        [{**line, "x": 1}],
    ),
    *([{"sku": "x", "counted": 0}], [{"sku": "x", "counted": -1}], [{"sku": None, "counted": 1}]),
    *("2026-01-31T12:00:00Z", "2026-01-31T12:00:00", [{**line, "product_id": ""}], [line] * 101),
)
QUERY_SUSPECTS = (
    *("", " ", "x", "0", "1", "100", "101", "-1", "true", "false", "True", "a\nb", "\x00"),
    *("19.90", "1e3", "-created_at", "created_at", "stock", "purchase", "opening"),
    *("2026-01-31T12:00:00Z", "2026-01-31T12:00:00.5+01:00", "2026-01-31", "yesterday"),
    *("2026-01-31T12:00:00", "x" * 64, "x" * 65, "x" * 200, "x" * 201, "x" * 1025, "9" * 12),
)


@pytest.fixture(name="app", scope="module")
def _app() -> Iterator[Flask]:
    # Nothing here asks the stores; the app begins without them.
    app = create_app(Settings(mongo_url="mongodb://127.0.0.1:1/?replicaSet=rs0", redis_url="off"))
    yield app
    close_app(app)


@pytest.fixture(name="document", scope="module")
def _document(app: Flask) -> dict[str, Any]:
    document: dict[str, Any] = app.test_client().get("/openapi.json").get_json()
    return document


def fits(document: dict[str, Any], schema: dict[str, Any], value: Any) -> bool:
    """Tell whether `value` is valid by a schema whose references lead into the document."""
    whole = {"components": document["components"], **schema}
    return bool(OAS31Validator(whole, format_checker=oas31_format_checker).is_valid(value))


def kinds() -> list[type[InventoryError]]:
    """Return every class of errors that there is."""
    found = [InventoryError]
    for kind in found:
        found += kind.__subclasses__()
    return [kind for kind in dict.fromkeys(found) if kind.__module__.startswith("inventory.")]


def sample(kind: type[InventoryError]) -> InventoryError:
    """Return an error of this kind with made-up facts of the right types."""
    id = "66f1c0ffee66f1c0ffee0001"
    made_up: dict[Any, Any] = {
        str: id,
        int: 3,
        Shortage: Shortage(id, 3, 2, 1, "2026-01-31T12:00:00.000Z"),
        Sequence[Excess]: [Excess(id, 3, 2)],
        Sequence[str]: ["EUR", "USD"],
    }
    named: dict[str, Any] = {}
    listed: list[Any] = []
    for name, parameter in inspect.signature(kind).parameters.items():
        value = made_up.get(parameter.annotation, {"quantity": ["Too many."]})
        if parameter.kind is parameter.VAR_POSITIONAL and parameter.annotation is not str:
            listed = [value, value]
        elif parameter.default is parameter.empty and parameter.kind in _NAMED:
            named[name] = value
    return kind(*listed, **named)


_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def codes_in(document: dict[str, Any], response: dict[str, Any]) -> set[str]:
    """Return the codes that a documented answer can have."""
    schema = response["content"][problems.MEDIA_TYPE]["schema"]
    found = set()
    for reference in schema.get("oneOf", [schema]):
        name = reference["$ref"].rpartition("/")[2]
        found |= set(document["components"]["schemas"][name]["properties"]["code"]["enum"])
    return found


# They are the same for everybody, and nothing of the shop is in them.
FILES = {"/admin", "/admin/", "/admin/assets/<path:name>"}


def test_every_route_has_a_contract(app: Flask) -> None:
    """There is no way into the service that is not documented, but for files of the dashboard."""
    missing = {
        rule.rule
        for rule in app.url_map.iter_rules()
        if contract_of(app.view_functions[rule.endpoint]) is None
    }
    assert missing == FILES


def test_every_operation_is_in_the_document(app: Flask, document: dict[str, Any]) -> None:
    """Each route and method is one operation, with an id of its own and a sentence about it."""
    expected = {
        (route.path, route.method): (route.name, route.contract.summary) for route in routes(app)
    }
    described = {
        (path, method): (operation["operationId"], operation["summary"])
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }
    assert described == expected
    rules = [rule for rule in app.url_map.iter_rules() if rule.rule not in FILES]
    assert len(expected) == sum(map(len, map(methods, rules)))
    assert len({name for name, _ in described.values()}) == len(described)


def test_everything_is_explained(document: dict[str, Any]) -> None:
    """No operation, parameter, body field, answer field, tag or header is without a sentence."""
    components = document["components"]
    silent = [name for name, schema in components["schemas"].items() if _silent(name, schema)]
    silent += [
        f"{name}.{member}"
        for name, schema in components["schemas"].items()
        for member, described in schema.get("properties", {}).items()
        if not described.keys() & {"description", "enum", "examples"}
    ]
    for operations in document["paths"].values():
        for operation in operations.values():
            own = [p for p in operation["parameters"] if "$ref" not in p]
            silent += [p["name"] for p in own if not p.get("description")]
            silent += [] if operation["description"] else [operation["operationId"]]
    for kind in ("headers", "parameters"):
        silent += [name for name, part in components[kind].items() if not part.get("description")]
    silent += [tag["name"] for tag in document["tags"] if not tag["description"]]
    assert silent == []


def _silent(name: str, schema: dict[str, Any]) -> bool:
    # A body is explained by the operation that takes it.
    return not schema.get("description") and not name.endswith("Request")


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.__name__)
def test_every_error_has_a_status(kind: type[InventoryError]) -> None:
    """An error that can reach a client has a status; one that cannot is known not to."""
    assert (kind in problems.STATUS) != (kind.__name__ in NEVER_ANSWERED)


def test_every_problem_is_met_somewhere(app: Flask) -> None:
    """A status for an error that no operation names would be a contract kept secret."""
    met = {
        kind
        for route in routes(app)
        for kind in (*route.contract.problems, *route.contract.implied_problems())
    }
    codes = {kind.code for kind in met}
    assert {kind.code for kind in problems.STATUS} == codes


def test_contracts_problems_are_documented(app: Flask, document: dict[str, Any]) -> None:
    """Every problem that a contract names or implies is among the operation's answers."""
    for route in routes(app):
        promised: Contract = route.contract
        answers = document["paths"][route.path][route.method]["responses"]
        met = types_of(
            [*promised.problems, *promised.implied_problems()],
            [*promised.statuses, *promised.implied_statuses()],
        )
        for found in met:
            assert found.code in codes_in(document, answers[str(int(found.status))])
        assert answers.keys() == {str(int(s)) for s in promised.answers} | {
            str(int(found.status)) for found in met
        }


@pytest.mark.parametrize("code", problem_types())
def test_every_code_has_a_page(app: Flask, code: str, document: dict[str, Any]) -> None:
    """What the `type` of a problem points to exists, and tells the same code and status."""
    found = problem_types()[code]
    response = app.test_client().get(found.uri)
    assert response.status_code == 200
    page = response.get_json()
    assert (page["code"], page["status"], page["type"]) == (code, found.status, found.uri)
    assert fits(document, {"$ref": "#/components/schemas/ProblemType"}, page)


@pytest.mark.parametrize("kind", problems.STATUS, ids=lambda kind: kind.__name__)
def test_problem_documents_fit_their_schema(
    app: Flask, document: dict[str, Any], kind: type[InventoryError]
) -> None:
    """A problem says exactly the facts that are documented for its kind."""
    error = sample(kind)
    (found,) = types_of([kind], [])
    with app.test_request_context("/somewhere"):
        g.request_id = "test"
        response = app.make_response(app.handle_user_exception(error))
    assert response.status_code == found.status
    body = response.get_json()
    assert fits(document, {"$ref": f"#/components/schemas/{found.schema_name}"}, body)
    assert error.details.keys() == found.facts.keys()
    assert ("Retry-After" in response.headers) == found.retry_after


@pytest.mark.parametrize("path", ["/openapi.json", "/docs", "/docs/init.js", "/healthz"])
def test_some_answers_need_no_database(app: Flask, path: str) -> None:
    """The document, the page and the sign of life are there when MongoDB is not."""
    assert app.test_client().get(path).status_code == 200


def test_facts_are_of_kinds_that_are_answered() -> None:
    """No facts are documented for an error that has no status."""
    assert FACTS.keys() <= problems.STATUS.keys()


def test_bodies_are_documented_as_they_are_checked(app: Flask, document: dict[str, Any]) -> None:
    """A value of a body's field is valid by the document if and only if the service takes it."""
    for route in routes(app):
        schema = route.contract.body
        if schema is None:
            continue
        name = schema_name(schema)
        reference = {"$ref": f"#/components/schemas/{name}"}
        example = document["components"]["schemas"][name]
        base = _least_body(document, route.path, route.method)
        for member in [*example["properties"], "unknown"]:
            for value in (*SUSPECTS, *_at_bounds(example["properties"].get(member, {}))):
                body = base | {member: value}
                taken = _loads(schema, parse_json(json.dumps(body).encode()))
                assert fits(document, reference, body) == taken, (name, member, value)
        for required in base:
            rest = {key: value for key, value in base.items() if key != required}
            assert fits(document, reference, rest) == _loads(schema, rest), (name, required)


def _least_body(document: dict[str, Any], path: str, method: str) -> dict[str, Any]:
    content = document["paths"][path][method]["requestBody"]["content"]["application/json"]
    name = content["schema"]["$ref"].rpartition("/")[2]
    required = document["components"]["schemas"][name].get("required", [])
    return {key: content["example"][key] for key in required}


def _at_bounds(schema: dict[str, Any]) -> list[Any]:
    """Return the values right inside and right outside a field's documented bounds."""
    values: list[Any] = []
    for bound in ("minimum", "maximum", "exclusiveMaximum"):
        if bound in schema:
            values += [schema[bound] - 1, schema[bound], schema[bound] + 1]
    if "maxLength" in schema:
        values += ["x" * schema["maxLength"], "x" * (schema["maxLength"] + 1)]
    return [*values, *schema.get("enum", [])]


def test_queries_are_documented_as_they_are_checked(app: Flask, document: dict[str, Any]) -> None:
    """A value of a parameter is valid by the document if and only if the service takes it."""
    for route in routes(app):
        schema = route.contract.query
        if schema is None:
            continue
        parameters = document["paths"][route.path][route.method]["parameters"]
        own = {p["name"]: p["schema"] for p in parameters if p.get("in") == "query"}
        assert own.keys() == schema.fields.keys()
        for name, documented in own.items():
            for text in QUERY_SUSPECTS:
                value = _typed(text, documented["type"])
                taken = _loads(schema, {name: text})
                assert fits(document, documented, value) == taken, (route.name, name, text)


def _typed(text: str, type_name: str) -> Any:
    """Return what a text in a query says, as a client means it that knows the type."""
    if type_name == "integer" and text.isdigit():
        return int(text)
    if type_name == "boolean" and text in ("true", "false"):
        return text == "true"
    return text


def _loads(schema: Any, value: Any) -> bool:
    try:
        schema.load(value)
    except ValidationError:
        return False
    return True
