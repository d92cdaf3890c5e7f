"""The OpenAPI document is valid, and the page that shows it needs nothing from elsewhere."""

import re
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openapi_schema_validator import OAS31Validator, oas31_format_checker
from openapi_spec_validator import OpenAPIV31SpecValidator

from deploy.docs.reference import document as reference
from inventory import __version__
from inventory.api import docs_page


@pytest.fixture(name="document", scope="module")
def _document(app: Flask) -> dict[str, Any]:
    document: dict[str, Any] = app.test_client().get("/openapi.json").get_json()
    return document


def check(document: dict[str, Any], schema: dict[str, Any], value: Any) -> None:
    """Check a value by a schema whose references lead into the document."""
    whole = {"components": document["components"], **schema}
    OAS31Validator(whole, format_checker=oas31_format_checker).validate(value)


def test_document_is_valid(document: dict[str, Any]) -> None:
    """The document is OpenAPI 3.1, its references, schemas and defaults included."""
    OpenAPIV31SpecValidator(document).validate()
    assert document["openapi"] == "3.1.0"
    assert document["info"]["version"] == __version__
    assert document["servers"][0]["url"] == "/"


def test_the_reference_is_made_of_this_document(document: dict[str, Any]) -> None:
    """The pages of the site, which are made without a server, know every route of the service."""
    assert {path: set(methods) for path, methods in reference.document()["paths"].items()} == {
        path: set(methods) for path, methods in document["paths"].items()
    }


def test_document_names_no_place(client: FlaskClient) -> None:
    """The document is the same wherever the service runs: no host is in it but an example's."""
    assert "://" not in client.get("/openapi.json").text.replace("https://shop.example/", "")


def test_examples_fit(document: dict[str, Any]) -> None:
    """Every example is valid by the schema that it is an example of."""
    for name, schema in document["components"]["schemas"].items():
        for example in schema.get("examples", []):
            check(document, {"$ref": f"#/components/schemas/{name}"}, example)
    for operations in document["paths"].values():
        for operation in operations.values():
            body = operation.get("requestBody", {"content": {}})
            for content in body["content"].values():
                check(document, content["schema"], content["example"])


def test_links_lead_somewhere(document: dict[str, Any]) -> None:
    """A link names an operation and parameters that it has, and every id is told by some answer."""
    operations = [o for path in document["paths"].values() for o in path.values()]
    parameters = {o["operationId"]: names_in(document, o) for o in operations}
    led: set[tuple[str, str]] = set()
    for operation in operations:
        for response in operation["responses"].values():
            for name, link in response.get("links", {}).items():
                assert name == link["operationId"]
                assert link.get("parameters", {}).keys() <= parameters[name].keys()
                led |= {(name, parameter) for parameter in link.get("parameters", {})}
    for name, described in parameters.items():
        asked = {p for p, place in described.items() if p.endswith("_id") and place == "path"}
        assert {(name, parameter) for parameter in asked} <= led
    assert ("edit_product", "If-Match") in led
    assert ("list_movements", "cursor") in led
    assert ("check_product", "cursor") not in led


def test_sessions_are_a_way_in(document: dict[str, Any]) -> None:
    """Wherever a key will do, so will a session; for a change it needs its CSRF token as well."""
    schemes = document["components"]["securitySchemes"]
    assert (schemes["session"]["in"], schemes["session"]["name"]) == ("cookie", "inventory_session")
    assert (schemes["csrf"]["in"], schemes["csrf"]["name"]) == ("header", "X-CSRF-Token")
    described = [(m, o) for path in document["paths"].values() for m, o in path.items()]
    guarded = [(method, operation) for method, operation in described if operation["security"]]
    assert len(guarded) > 30
    for method, operation in guarded:
        changes = method != "get"
        ways = [{"bearer"}, {"header"}, {"session", "csrf"} if changes else {"session"}]
        assert [set(way) for way in operation["security"]] == [set(), *ways]
        answers = {code: answer["description"] for code, answer in operation["responses"].items()}
        assert "`session_expired`" in answers["401"]
        assert ("`invalid_csrf_token`" in answers["403"]) == changes


def names_in(document: dict[str, Any], operation: dict[str, Any]) -> dict[str, str]:
    """Return the names of an operation's parameters, and where each stands."""
    shared = document["components"]["parameters"]
    found = [
        shared[p["$ref"].rpartition("/")[2]] if "$ref" in p else p for p in operation["parameters"]
    ]
    return {parameter["name"]: parameter["in"] for parameter in found}


def test_a_link_can_be_followed(client: FlaskClient, document: dict[str, Any]) -> None:
    """What a link says is what the next request needs: the id, and the version to edit."""
    created = client.post("/api/products", json={"name": "Runner", "price": "9.90", "stock": 3})
    links = document["paths"]["/api/products"]["post"]["responses"]["201"]["links"]
    assert links["edit_product"]["parameters"] == {
        "product_id": "$response.body#/id",
        "If-Match": "$response.header.ETag",
    }
    assert links["hold_units"]["requestBody"] == {
        "lines": [{"product_id": "{$response.body#/id}", "quantity": 1}]
    }
    edited = client.patch(
        f"/api/products/{created.get_json()['id']}",
        json={"name": "Runner 2"},
        headers={"If-Match": created.headers["ETag"]},
    )
    assert edited.status_code == 200


PATHS = ["/openapi.json", "/docs", "/problems/not_found", *(f"/docs/{n}" for n in docs_page.FILES)]


@pytest.mark.parametrize("path", PATHS)
def test_documentation_can_be_kept(client: FlaskClient, path: str) -> None:
    """Whoever has a file of the documentation learns that it is still current, without a body."""
    first = client.get(path)
    assert first.status_code == 200
    assert first.headers["Cache-Control"] == "no-cache"
    assert first.headers["X-Content-Type-Options"] == "nosniff"
    kept = f'"other", W/{first.headers["ETag"]}'
    again = client.get(path, headers={"If-None-Match": kept})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    assert client.get(path, headers={"If-None-Match": '"other"'}).data == first.data


class _Page(HTMLParser):
    """Collects what a page refers to, and whether anything in it would need `unsafe-inline`."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.inline: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.links += [text for name in ("href", "src") if (text := values.get(name))]
        self.inline += [name for name in values if name == "style" or name.startswith("on")]
        if tag == "style" or (tag == "script" and "src" not in values):
            self.inline.append(tag)


def test_page_works_offline(client: FlaskClient) -> None:
    """The page needs files of this service alone, and they are all there."""
    page = _Page()
    page.feed(client.get("/docs").text)
    assert page.links
    for link in page.links:
        parts = urlsplit(link)
        assert not parts.scheme
        assert not parts.netloc
        assert client.get(f"/{link}").status_code == 200
    script = client.get("/docs/init.js").text
    assert "://" not in script
    assert "validatorUrl: null" in script
    assert 'url: "openapi.json"' in script
    # What the style sheets refer to is in them.
    for name in ("swagger-ui.css", "page.css"):
        targets = re.findall(r"url\(\s*[\"']?([^\"')]{5})", client.get(f"/docs/{name}").text)
        assert set(targets) <= {"data:"}


def test_page_allows_no_foreign_code(client: FlaskClient) -> None:
    """The page's policy lets it load its own files only, and the page keeps to that."""
    response = client.get("/docs")
    policy = dict(
        part.strip().split(" ", 1)
        for part in response.headers["Content-Security-Policy"].split(";")
    )
    assert policy["default-src"] == "'self'"
    assert not policy.keys() & {"script-src", "style-src", "connect-src"}
    assert policy["frame-ancestors"] == "'none'"
    page = _Page()
    page.feed(response.text)
    assert page.inline == []


def test_only_the_files_of_the_page_are_given_out(client: FlaskClient) -> None:
    """Neither the wheel's other files nor any others can be read."""
    for name in ("swagger-ui.js", "index.html", "..%2Fapp.py", "%2e%2e/problems.py", "init.js/"):
        assert client.get(f"/docs/{name}").status_code == 404
