"""Calls the app as gunicorn does, without what a client of HTTP would put right on the way."""

import json
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from urllib.parse import unquote_to_bytes

from flask import Flask
from werkzeug.test import run_wsgi_app

from tests.api.support import PROBLEM_MEMBERS

JSON = "application/json"
PROBLEM = "application/problem+json"
REFUSED_AS_A_WHOLE = (400, 422)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the app answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """What the body says."""
        return json.loads(self.body)

    def check(self) -> "Answer":
        """Assert that nothing broke: a success, or a problem document that a client can read."""
        assert self.status < 500, self
        assert self.headers["X-Content-Type-Options"] == "nosniff"
        assert all(value.isascii() and value.isprintable() for value in self.headers.values())
        if self.status >= 400:
            assert self.headers["Content-Type"] == PROBLEM, self
            problem = self.json
            assert problem.keys() >= PROBLEM_MEMBERS
            assert problem["status"] == self.status
            assert problem["type"] == f"/problems/{problem['code']}"
        return self


def ask(
    app: Flask, method: str, target: str, body: bytes = b"", headers: dict[str, str] | None = None
) -> Answer:
    """Send a request with `target` as it stands in the request line, in UTF-8."""
    path, _, query = target.partition("?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query.encode().decode("latin-1"),
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "localhost",
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(body),
        "wsgi.input_terminated": True,
    }
    if body:
        environ |= {"CONTENT_TYPE": JSON, "CONTENT_LENGTH": str(len(body))}
    for name, value in (headers or {}).items():
        if name == "Content-Type":
            environ["CONTENT_TYPE"] = value
            continue
        environ[f"HTTP_{name.upper().replace('-', '_')}"] = value.encode().decode("latin-1")
    parts, status, answered = run_wsgi_app(app.wsgi_app, environ, buffered=True)
    return Answer(int(status[:3]), dict(answered), b"".join(parts))
