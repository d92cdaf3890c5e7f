"""Gives out the dashboard's files, which are the same for everybody; knows nothing of stock.

Nothing is built and nothing comes from elsewhere: the policy that goes with the page allows
scripts, styles and calls of this origin alone, and no script in the page itself.
"""

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from flask import Blueprint, Response, request
from werkzeug.exceptions import NotFound

bp = Blueprint("dashboard", __name__, url_prefix="/admin")

CONTENT_SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_PAGE: Final = "index.html"
_TYPES: Final = {
    "css": "text/css",
    "html": "text/html",
    "js": "text/javascript",
    "svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class File:
    """A file as it is sent: plain, and as `gzip` makes it."""

    plain: bytes
    packed: bytes
    media_type: str
    etag: str


@bp.get("")
def get_address() -> Response:
    """Send who left out the slash to the page, whose files are named relative to it."""
    return Response(status=308, headers={"Location": "admin/"})


@bp.get("/")
def get_page() -> Response:
    """Answer the page; it is empty until its scripts have asked the API."""
    response = _answer(_files()[_PAGE])
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    return response


@bp.get("/assets/<path:name>")
def get_file(name: str) -> Response:
    """Answer one of the scripts, styles and pictures that the page is made of."""
    found = _files().get(name)
    if found is None or name == _PAGE:
        raise NotFound
    return _answer(found)


def _answer(file: File) -> Response:
    packed = request.accept_encodings["gzip"] > 0
    response = Response(file.packed if packed else file.plain, content_type=file.media_type)
    if packed:
        response.headers["Content-Encoding"] = "gzip"
    response.headers["Vary"] = "Accept-Encoding"
    response.headers["Cache-Control"] = "no-cache"
    response.set_etag(file.etag + ("-gzip" if packed else ""))
    response.make_conditional(request)
    return response


@cache
def _files() -> dict[str, File]:
    """Return all files by their names; they are read once in a process, as they cannot change."""
    return dict(_within(files("inventory.web").joinpath("static"), ""))


def _within(directory: Traversable, before: str) -> list[tuple[str, File]]:
    found: list[tuple[str, File]] = []
    for entry in directory.iterdir():
        name = before + entry.name
        if entry.is_dir():
            found += _within(entry, f"{name}/")
        elif (kind := entry.name.rpartition(".")[2]) in _TYPES:
            found.append((name, _file(entry.read_bytes(), _TYPES[kind])))
    return found


def _file(content: bytes, media_type: str) -> File:
    digest = hashlib.sha256(content).hexdigest()[:32]
    return File(content, gzip.compress(content, mtime=0), f"{media_type}; charset=utf-8", digest)
