"""The fuzz finds what is wrong: services with one defect each, and refusals that are none."""

from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask, Response, jsonify, request
from schemathesis import openapi
from schemathesis.core.failures import AcceptedNegativeData, ServerError
from schemathesis.openapi.checks import RejectedPositiveData, UseAfterFree

from loadtests.fuzz import report
from loadtests.fuzz.engine import EDGES, Finding, Outcome, Plan, fuzz, settings
from loadtests.fuzz.excuses import FIELDS, INTEGER, ROW_BY_ROW, STATE, excuse_for
from loadtests.fuzz.headers import AS_MADE_UP, freshen

PLAN = Plan(calls=300, seed=1, phases=EDGES)
PROBLEM = "application/problem+json"
ANSWER = {"type": "object", "required": ["doubled"], "properties": {"doubled": {"type": "integer"}}}
DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "Doubling", "version": "1"},
    "paths": {
        "/double": {
            "get": {
                "operationId": "double",
                "parameters": [
                    {
                        "name": "number",
                        "in": "query",
                        "required": True,
                        "schema": {"type": "integer", "minimum": 0, "maximum": 9},
                    }
                ],
                "responses": {
                    "200": {
                        "description": "It",
                        "headers": {"X-Times": {"required": True, "schema": {"type": "integer"}}},
                        "content": {"application/json": {"schema": ANSWER}},
                    },
                    "422": {"description": "It is no such number."},
                },
            }
        }
    },
}


def doubling(defect: str) -> Flask:
    """Return a service that doubles numbers, with a defect."""
    app = Flask("doubling")

    @app.get("/openapi.json")
    def document() -> Response:
        return jsonify(DOCUMENT)

    @app.get("/double")
    def double() -> Response:
        sent = request.args.getlist("number")
        known = len(sent) == 1 and len(request.args) == 1
        number = int(sent[0]) if known and sent[0].isdecimal() and len(sent[0]) == 1 else None
        if number is None and defect != "negative_data_rejection":
            return Response(status=422)
        return defective(defect, number or 0)

    return app


def defective(defect: str, number: int) -> Response:
    """Return twice a number, with a defect."""
    if number == 9 and defect in FAILING:
        return Response(status=FAILING[defect])
    response = jsonify({"doubled": "many" if defect == "response_schema_conformance" else 2})
    if defect != "response_headers_conformance":
        response.headers["X-Times"] = "2"
    if defect == "content_type_conformance":
        response.mimetype = "text/html"
    return response


FAILING = {
    "not_a_server_error": 500,
    "status_code_conformance": 418,
    "positive_data_acceptance": 422,
}
DEFECTS = [
    *FAILING,
    "negative_data_rejection",
    "response_schema_conformance",
    "response_headers_conformance",
    "content_type_conformance",
]


@pytest.mark.parametrize("defect", ["", *DEFECTS])
def test_a_defect_is_found(defect: str) -> None:
    """What a service does against its document is found, and in a sound one nothing is."""
    schema = openapi.from_wsgi("/openapi.json", doubling(defect), config=settings(PLAN))
    outcome = fuzz(schema, PLAN)
    found = {finding.title.partition(":")[0] for finding in outcome.findings.values()}
    assert (defect in found) == bool(defect)
    assert bool(found) == bool(defect)
    assert outcome.succeeded == {"GET /double"}


def test_enough_is_enough() -> None:
    """No more calls are made than were asked for."""
    schema = openapi.from_wsgi("/openapi.json", doubling(""), config=settings(PLAN))
    assert fuzz(schema, Plan(calls=7, seed=1, phases=EDGES)).calls == 7


def refusal(code: str, errors: dict[str, list[str]] | None = None) -> Any:
    """Return an answer that is a problem document."""
    body = {"code": code} | ({"errors": errors} if errors is not None else {})
    return SimpleNamespace(headers={"content-type": [PROBLEM]}, json=lambda: body)


def call(body: Any = None, path: str = "/api/things", **query: str) -> Any:
    """Return a call with a body."""
    return SimpleNamespace(body=body, query=query, operation=SimpleNamespace(path=path))


REJECTED = RejectedPositiveData(
    operation="POST /api/things", message="", status_code=422, allowed_statuses=[]
)
FREED = UseAfterFree(operation="DELETE /api/things", message="", free="", usage="")


def test_what_no_schema_foresees_is_excused() -> None:
    """A refusal is no finding if the state of the shop, or a rule between fields, asks for it."""
    for excuse in STATE:
        assert excuse_for(REJECTED, call(), refusal(excuse.code)) == excuse.why
    for excuse in FIELDS:
        faults = {excuse.field or "any": [f"At most 8{excuse.message}"]}
        assert excuse_for(REJECTED, call(), refusal("validation_failed", faults)) == excuse.why


def test_rows_are_told_one_by_one() -> None:
    """An import of wrong rows is answered 207; any other success for a wrong body is a finding."""
    accepted = AcceptedNegativeData(
        operation="POST /api/things", message="", status_code=207, expected_statuses=[]
    )
    for status, why in ((207, ROW_BY_ROW), (200, None)):
        answer: Any = SimpleNamespace(status_code=status)
        assert excuse_for(accepted, call([]), answer) == why


def test_nothing_else_is_excused() -> None:
    """One fault without a reason is enough for a finding, and so is any other complaint."""
    known, unknown = FIELDS[0], {"name": ["Not blank."]}
    faults = {known.field: [known.message]} | unknown
    assert excuse_for(REJECTED, call(), refusal("validation_failed", faults)) is None
    assert excuse_for(REJECTED, call(), refusal("validation_failed", {})) is None
    assert excuse_for(REJECTED, call(), refusal("malformed_json")) is None
    page: Any = SimpleNamespace(headers={"content-type": ["text/html"]})
    assert excuse_for(REJECTED, call(), page) is None
    failed = ServerError(operation="POST /api/things", status_code=500)
    assert excuse_for(failed, call(), refusal(STATE[0].code)) is None


@pytest.mark.parametrize("sent, why", [(2.0, INTEGER), (2.5, None), ("2", None), (True, None)])
def test_whole_numbers_with_a_point(sent: object, why: str | None) -> None:
    """`2.0` is an integer to JSON Schema and none to the service; all else is none to both."""
    faults = {"lines.1.quantity": ["Not a valid integer."]}
    body = {"lines": [{"quantity": 1}, {"quantity": sent}]}
    assert excuse_for(REJECTED, call(body), refusal("validation_failed", faults)) == why
    assert excuse_for(REJECTED, call([]), refusal("validation_failed", faults)) is None


def test_the_history_of_what_was_deleted() -> None:
    """Movements and checks of a deleted product are still there; the product must not be."""
    product = "/api/products/{product_id}"
    ok: Any = SimpleNamespace(headers={})
    assert excuse_for(FREED, call(path=f"{product}/movements"), ok)
    assert excuse_for(FREED, call(path=f"{product}/integrity"), ok)
    assert excuse_for(FREED, call(path=f"{product}/stock", as_of="2026-01-31T12:00:00Z"), ok)
    assert excuse_for(FREED, call(path=f"{product}/stock"), ok) is None
    assert excuse_for(FREED, call(path=product), ok) is None


def test_revoked_keys_stay_to_be_looked_up() -> None:
    """A key that was revoked says so for ever; one that does not say so is a finding."""

    def told(revoked_at: str | None) -> Any:
        return SimpleNamespace(headers={}, json=lambda: {"revoked_at": revoked_at})

    key = call(path="/api/keys/{key_id}")
    assert excuse_for(FREED, key, told("2026-01-31T12:00:00Z"))
    assert excuse_for(FREED, key, told(None)) is None
    assert excuse_for(FREED, call(path="/api/webhooks/{id}"), told("2026-01-31T12:00:00Z")) is None


def sent(number: int, *, negative: bool = False, tried: str = "", linked: str = "") -> Any:
    """Return the headers of a call after they have been freshened."""
    meta = SimpleNamespace(
        is_negative_at=lambda _: negative,
        phase=SimpleNamespace(data=SimpleNamespace(parameter=tried)),
    )
    headers = {"Idempotency-Key": "0", "If-Match": linked or "0"}
    override = SimpleNamespace(headers={"If-Match": linked} if linked else {})
    case: Any = SimpleNamespace(headers=headers, meta=meta, _override=override)
    freshen(case, number)
    return headers


def test_headers_do_not_stand_in_the_way() -> None:
    """Keys are new and conditions hold, but where they are what is tried, and now and then."""
    made_up = {"Idempotency-Key": "0", "If-Match": "0"}
    assert sent(1) == {"Idempotency-Key": "fuzz-1", "If-Match": "*"}
    assert sent(2, linked='"1-1"') == {"Idempotency-Key": "fuzz-2", "If-Match": '"1-1"'}
    assert sent(1, negative=True) == made_up
    assert sent(1, tried="If-Match") == made_up
    assert sent(AS_MADE_UP) == made_up


def test_a_report_tells_what_was_found() -> None:
    """The summary counts; every finding is told with the request that shows it."""
    outcome = Outcome(operations=2)
    case: Any = SimpleNamespace(
        method="GET", operation=SimpleNamespace(method="get", label="GET /double")
    )
    outcome.note(case, 200)
    outcome.note(case, 500)
    outcome.find("GET /double", "not_a_server_error", "curl http://127.0.0.1/double")
    summary = report.summary(PLAN, outcome, 2.0)
    assert "1 of 2 called, 1 answered with success" in summary
    assert "1 2xx, 1 5xx" in summary
    assert "findings     1" in summary
    assert "curl" in report.findings([Finding("GET /double", "title", "curl")])
