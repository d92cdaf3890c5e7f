"""The page that shows the OpenAPI document, and the files that it is made of.

They come from this package and from the wheel of Swagger UI; a browser needs nothing else. The page
has no script in it, so it works under a Content-Security-Policy that allows none.
"""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final

PAGE: Final = "index.html"
CONTENT_SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)

# The files that are given out, and nothing else: (package, directory, media type).
_OWN = ("inventory.api", "static/docs")
_SWAGGER_UI = ("flask_swagger_ui", "dist")
FILES: Final[Mapping[str, tuple[str, str, str]]] = {
    "init.js": (*_OWN, "text/javascript"),
    "page.css": (*_OWN, "text/css"),
    "swagger-ui-bundle.js": (*_SWAGGER_UI, "text/javascript"),
    "swagger-ui.css": (*_SWAGGER_UI, "text/css"),
    "favicon-32x32.png": (*_SWAGGER_UI, "image/png"),
}


@cache
def read_page() -> bytes:
    """Return the page."""
    return _read(*_OWN, PAGE)


@cache
def read_file(name: str) -> bytes:
    """Return one of `FILES`; each is read once in a process, as it cannot change."""
    package, directory, _ = FILES[name]
    return _read(package, directory, name)


def media_type(name: str) -> str:
    """Return what one of `FILES` is."""
    return FILES[name][2]


def _read(package: str, directory: str, name: str) -> bytes:
    return files(package).joinpath(directory, name).read_bytes()
