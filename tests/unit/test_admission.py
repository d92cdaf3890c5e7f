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


def test_transfers_are_counted_by_themselves() -> None:
    """Imports and exports have a bound of their own; an export counts until it has gone."""

    def start_response(*_: Any) -> Callable[[bytes], object]:
        return bytes

    def serve(_: Any, __: Any) -> Iterable[bytes]:
        return iter([b"rows"])

    admission, refused = Admission(serve, lambda *_: None), b"overloaded"
    for path, bound in (
        (limits.EXPORT_PATH, limits.EXPORTS_WORKING_MAX),
        (limits.IMPORT_PATH, limits.IMPORTS_WORKING_MAX),
    ):
        asked = {"REQUEST_METHOD": "GET", "PATH_INFO": path}
        open_answers = [admission(asked, start_response) for _ in range(bound)]
        another = b"".join(admission(asked, start_response))
        # An import is over when its answer is known.
        assert (refused in another) == (path == limits.EXPORT_PATH)
        closing: Any = open_answers[0]
        if path == limits.EXPORT_PATH:
            closing.close()
            assert b"".join(admission(asked, start_response)) == b"rows"
            assert [b"".join(answer) for answer in open_answers[1:]] == [b"rows"] * (bound - 1)


def test_one_import_too_many_is_refused() -> None:
    """While as many imports are at work as may be, sales go on and the next import is refused."""
    answers: list[bytes] = []

    def start_response(*_: Any) -> Callable[[bytes], object]:
        return bytes

    def serve(environ: Any, _: Any) -> Iterable[bytes]:
        if environ["depth"] < limits.IMPORTS_WORKING_MAX:
            asked = {**environ, "depth": environ["depth"] + 1}
            answers.extend(admission(asked, start_response))
            answers.extend(admission({**asked, "PATH_INFO": "/", "depth": 9}, start_response))
        return (b"done",)

    admission = Admission(serve, lambda *_: None)
    environ = {"REQUEST_METHOD": "POST", "PATH_INFO": limits.IMPORT_PATH, "depth": 0}
    assert list(admission(environ, start_response)) == [b"done"]
    assert b"overloaded" in answers[0]
    assert set(answers[1:]) == {b"done"}
