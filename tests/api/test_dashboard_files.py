"""The dashboard's files over HTTP: where they are, how they are sent, what is not among them."""

import gzip

import pytest
from flask.testing import FlaskClient

PACKED = {"Accept-Encoding": "gzip"}


def test_without_the_slash_one_is_sent_to_the_page(client: FlaskClient) -> None:
    """Relative to where one is, so that a proxy may have put the service below a path."""
    answer = client.get("/admin")
    assert (answer.status_code, answer.headers["Location"]) == (308, "admin/")


def test_the_page_allows_scripts_of_its_origin_alone(client: FlaskClient) -> None:
    """No script in the page, none from elsewhere, and no frame around it."""
    answer = client.get("/admin/")
    policy = answer.headers["Content-Security-Policy"].split("; ")
    assert answer.mimetype == "text/html"
    assert {"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"} <= set(policy)
    assert "unsafe" not in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("name", ["main.js", "app.css", "vendor/lit-html/lit-html.js"])
def test_files_are_packed_and_asked_for_once(client: FlaskClient, name: str) -> None:
    """Packed and plain are the same file, each with a tag by which it is found unchanged."""
    plain, packed = (client.get(f"/admin/assets/{name}", headers=h) for h in ({}, PACKED))
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert packed.headers["Vary"] == "Accept-Encoding"
    assert packed.headers["ETag"] != plain.headers["ETag"]
    known = {**PACKED, "If-None-Match": packed.headers["ETag"]}
    again = client.get(f"/admin/assets/{name}", headers=known)
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize(
    "name", ["index.html", "pages.py", "../pages.py", "vendor/vendored.json", "nothing.js"]
)
def test_nothing_else_is_given_out(client: FlaskClient, name: str) -> None:
    """What is no file of the page is not found."""
    assert client.get(f"/admin/assets/{name}").status_code == 404
