"""Calls that nobody thought of, made from the document: a short run of what `make fuzz` does."""

from collections.abc import Iterator
from threading import Thread

import pytest
from flask import Flask
from flask.testing import FlaskClient
from schemathesis import openapi
from werkzeug.serving import make_server

from inventory.local.servers import LOOPBACK
from loadtests.fuzz.engine import EDGES, TURNS, Outcome, Plan, fuzz, settings
from loadtests.fuzz.run import run
from tests.api.support import Books

# Every edge of every schema once.
ONCE = Plan(calls=10_000, seed=20, phases=EDGES)
# Some single calls, then some chains of them.
SOME = Plan(calls=400, seed=20, phases=TURNS, examples=5)
CHECKS = {
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "positive_data_acceptance",
    "missing_required_header",
    "unsupported_method",
    "allow_header_conformance",
    "use_after_free",
    "ensure_resource_availability",
    "ignored_auth",
    "object_level_authorization",
}


def fuzzed(app: Flask, plan: Plan) -> Outcome:
    """Make the calls of a plan; assert that nothing is found, and that the books are right."""
    outcome = fuzz(openapi.from_wsgi("/openapi.json", app, config=settings(plan)), plan)
    assert list(outcome.findings.values()) == []
    assert len(outcome.answers) == outcome.operations
    assert outcome.checks.keys() == CHECKS
    report = app.test_client().get("/api/integrity").get_json()
    assert (report["ok"], report["problems"]) == (True, [])
    assert report["checked"] > 0
    return outcome


@pytest.mark.timeout(300)
def test_edges(app: Flask, client: FlaskClient) -> None:
    """At the edges of every schema, and beyond, the service answers as the document says."""
    assert fuzzed(app, ONCE).calls > 1_500


@pytest.mark.timeout(300)
def test_chains(app: Flask, client: FlaskClient) -> None:
    """So it does in chains of calls, which get to what only an earlier answer can tell."""
    outcome = fuzzed(app, SOME)
    assert outcome.chains > 0
    assert len([name for name in outcome.succeeded if "_id}" in name]) >= 5


@pytest.fixture(name="url")
def _url(app: Flask, client: FlaskClient) -> Iterator[str]:
    """The address of the service, over HTTP."""
    server = make_server(LOOPBACK, 0, app, threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://{LOOPBACK}:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_run_tells_how_it_went(url: str) -> None:
    """A run against a named service ends with its summary, and with a verdict on the books."""
    said: list[str] = []
    assert run(Plan(calls=60, seed=3, examples=1, api_key="a-key"), url, said.append)
    summary = "\n".join(said)
    assert "calls        60 with seed 3" in summary
    assert "findings     0" in summary
    assert summary.endswith("books        right")


def test_wrong_books_are_told(url: str, client: FlaskClient, books: Books) -> None:
    """A run on a service whose books are wrong fails, whatever it answered."""
    created = client.post("/api/products", json={"name": "Runner", "price": "9.90", "stock": 3})
    assert created.status_code == 201
    books.database["stock"].update_many({}, {"$inc": {"available": 1}})
    said: list[str] = []
    assert not run(Plan(calls=5, seed=3, examples=1), url, said.append)
    assert "books        wrong" in said
    assert "findings     0" in "\n".join(said)
