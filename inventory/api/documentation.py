"""What the service says about itself: the OpenAPI document, a page to read it, the problems."""

import hashlib
from http import HTTPStatus
from typing import Final

import orjson
from flask import Blueprint, Flask, Response, current_app, request
from werkzeug.exceptions import NotFound

import inventory
from inventory.api import docs_page
from inventory.api.bodies import JSON
from inventory.api.context import context
from inventory.api.contract import contract
from inventory.api.openapi.document import build
from inventory.api.openapi.problem_types import problem_types

bp = Blueprint("documentation", __name__)

HTML: Final = "text/html"
_DOCUMENT: Final = "inventory.openapi"
_VALIDATED: Final = ("ETag", "Cache-Control")
_ASSET_TYPES: Final = tuple(sorted({docs_page.media_type(name) for name in docs_page.FILES}))


@bp.get("/openapi.json")
@contract("Read this document", {200: "OpenAPI", 304: ""}, headers=_VALIDATED, stores=False)
def get_document() -> Response:
    """Answer what the service can do, in OpenAPI 3.1."""
    return _constant(_document(current_app), JSON)


@bp.get("/docs")
@contract(
    "Show this document",
    {200: "Page", 304: ""},
    headers=(*_VALIDATED, "Content-Security-Policy"),
    produces=(HTML,),
    stores=False,
)
def get_page() -> Response:
    """Answer the page for people who want to read the document and try the operations."""
    response = _constant(docs_page.read_page(), HTML)
    response.headers["Content-Security-Policy"] = docs_page.CONTENT_SECURITY_POLICY
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@bp.get("/docs/<file>")
@contract(
    "Read a file of the page",
    {200: "PageFile", 304: ""},
    headers=_VALIDATED,
    statuses=(HTTPStatus.NOT_FOUND,),
    produces=_ASSET_TYPES,
    stores=False,
)
def get_page_file(file: str) -> Response:
    """Answer one of the scripts, styles and pictures that the page is made of."""
    if file not in docs_page.FILES:
        raise NotFound
    return _constant(docs_page.read_file(file), docs_page.media_type(file))


@bp.get("/problems/<code>")
@contract(
    "Read what a problem means",
    {200: "ProblemType", 304: ""},
    headers=_VALIDATED,
    statuses=(HTTPStatus.NOT_FOUND,),
    stores=False,
)
def get_problem_type(code: str) -> Response:
    """Answer what the `type` of a problem document points to."""
    found = problem_types().get(code)
    if found is None:
        raise NotFound
    return _constant(orjson.dumps(found.page()), JSON)


def _document(app: Flask) -> bytes:
    """Return the document of an app; it is built when it is first asked for."""
    kept: bytes | None = app.extensions.get(_DOCUMENT)
    if kept is None:
        required = context().settings.require_idempotency_key
        kept = orjson.dumps(build(app, version=inventory.__version__, key_required=required))
        app.extensions[_DOCUMENT] = kept
    return kept


def _constant(body: bytes, media_type: str) -> Response:
    """Answer what stays the same until the next release; 304 where the client has it."""
    etag = hashlib.blake2b(body, digest_size=12).hexdigest()
    if request.if_none_match.contains_weak(etag):
        response = Response(status=304)
    else:
        response = Response(body, mimetype=media_type)
    response.set_etag(etag)
    response.headers["Cache-Control"] = "no-cache"
    return response
