"""What a process refuses when it works on too much already."""

from collections.abc import Callable, Iterable
from typing import Any

import orjson
import pytest

from inventory import limits
from inventory.api.admission import Admission


class Service:
    """A service whose requests last until the test says so: each one begins the next."""

    def __init__(self, crowd: int) -> None:
        self.refused = 0
        self.reached = 0
        self._crowd = crowd
        self._last: dict[str, str] = {}
        self.admission = Admission(self._serve, self._count)

    def _count(self, *_: object) -> None:
        self.refused += 1

    def _serve(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        self.reached += 1
        if environ.get("crowd") and self.reached < self._crowd:
            return self.admission(environ, start_response)
        if environ.get("crowd"):
            return self.admission(self._last, start_response)
        start_response("200 OK", [])
        return (b"served",)

    def ask(self, method: str, path: str) -> tuple[str, dict[str, str], bytes]:
        """Ask while the whole crowd is at work; return status, headers and body."""
        answers: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(
            status: str, headers: list[tuple[str, str]], _: Any = None, /
        ) -> Callable[[bytes], object]:
            answers.append((status, headers))
            return bytes

        self._last = {"REQUEST_METHOD": method, "PATH_INFO": path}
        crowd = {"REQUEST_METHOD": "POST", "PATH_INFO": "/", "crowd": "yes"}
        body = b"".join(self.admission(crowd, start_response))
        status, headers = answers[0]
        return status, dict(headers), body


@pytest.mark.parametrize(
    "method,path,bound",
    [
        ("POST", "/api/products/a/purchase", limits.WORKING_CHANGES_MAX),
        ("GET", "/api/products/a", limits.WORKING_READS_MAX),
        ("GET", "/api/products", limits.WORKING_LISTINGS_MAX),
    ],
)
def test_one_too_many_is_refused(method: str, path: str, bound: int) -> None:
    """The last that fits is served, the next one is told to come again; then there is room."""
    assert Service(bound - 1).ask(method, path)[2] == b"served"
    full = Service(bound)
    status, headers, body = full.ask(method, path)
    assert status == "503 Service Unavailable"
    assert headers["Retry-After"] == "1"
    assert int(headers["Content-Length"]) == len(body)
    assert orjson.loads(body)["code"] == "overloaded"
    assert orjson.loads(body)["request_id"] == headers["X-Request-ID"]
    assert orjson.loads(body)["instance"] == path
    assert full.refused == 1
    assert Service(1).ask(method, path)[2] == b"served"
    full.reached = bound
    assert full.ask(method, path)[2] == b"served"


def test_operators_are_always_answered() -> None:
    """Whether the process is up must be told even when it is full."""
    assert Service(limits.WORKING_CHANGES_MAX).ask("GET", "/healthz")[2] == b"served"
