"""What all operations are made of: reads, pages, changes with a key and changes without one."""

import uuid
from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeVar
from urllib.parse import quote

from inventory_client.errors import UnexpectedAnswer
from inventory_client.inputs import encode, parameters
from inventory_client.reading import Unreadable, parse, read
from inventory_client.retrying import Caller
from inventory_client.transport import Answer, Request

T = TypeVar("T")
JSON: Final = {"Content-Type": "application/json"}
ANY: Final = {"Accept": "*/*"}
FRESH: Final = {"Cache-Control": "no-cache"}


def segment(text: str) -> str:
    """Return a text as one part of a path, whatever is in it."""
    if text in ("", ".", ".."):
        raise ValueError(f"{text!r} is no id.")
    return quote(text, safe="")


def result(kind: type[T], request: Request, answer: Answer) -> T:
    """Return what an answer says, as a `kind`; raise `UnexpectedAnswer`."""
    try:
        return read(kind, parse(answer.body))
    except Unreadable as error:
        unexpected = UnexpectedAnswer(f"{request.method} {request.path} was answered: {error}.")
        unexpected.idempotency_key = request.key
        unexpected.may_have_happened = request.method != "GET"
        raise unexpected from None


class Room:
    """Some operations; all rooms of a client share its caller."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def _read(
        self,
        kind: type[T],
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        fresh: bool = False,
    ) -> T:
        headers = FRESH if fresh else {}
        request = Request(method="GET", path=path, query=query or {}, headers=headers)
        return result(kind, request, self._caller.call(request))

    def _pages(
        self, of: type[T], path: str, page_size: int, /, *, fresh: bool = False, **query: Any
    ) -> Iterator[T]:
        """Yield item after item; a page is asked for when the one before has been used up."""
        asked = parameters(limit=page_size, **query)
        while True:
            page = self._read(dict[str, Any], path, asked, fresh=fresh)
            try:
                items, cursor = page["items"], page["next_cursor"]
                yield from (read(of, item) for item in items)
            except (KeyError, TypeError, Unreadable) as error:
                raise UnexpectedAnswer(f"GET {path} was answered: {error}.") from None
            if cursor is None:
                return
            asked["cursor"] = cursor

    def _keyed(self, kind: type[T], path: str, body: Any, key: str | None) -> T:
        """Make a change with an idempotency key, a new one unless the caller has one."""
        if key is None:
            key = str(uuid.uuid4())
        request = Request(method="POST", path=path, headers=JSON, body=encode(body), key=key)
        return result(kind, request, self._caller.call(request))

    def _changed(
        self, kind: type[T], method: str, path: str, body: Any, headers: Mapping[str, str] = JSON
    ) -> T:
        """Make a change that has no key; it is sent again only where nothing has happened yet."""
        request = Request(method=method, path=path, headers=headers, body=encode(body))
        return result(kind, request, self._caller.call(request))

    def _ordered(self, kind: type[T], path: str) -> T:
        """Have something done that needs no more words and has no key."""
        request = Request(method="POST", path=path)
        return result(kind, request, self._caller.call(request))

    def _sent(
        self,
        kind: type[T],
        path: str,
        body: bytes,
        media_type: str,
        query: Mapping[str, str],
        key: str | None,
    ) -> T:
        """Send a file, with an idempotency key; it may take longer than other changes."""
        request = Request(
            method="POST",
            path=path,
            query=query,
            headers={"Content-Type": media_type},
            body=body,
            key=str(uuid.uuid4()) if key is None else key,
            is_slow=True,
        )
        return result(kind, request, self._caller.call(request))

    def _file(self, path: str, query: Mapping[str, str]) -> bytes:
        """Read a file."""
        request = Request(method="GET", path=path, query=query, headers=ANY, is_slow=True)
        return self._caller.call(request).body

    def _removed(self, path: str, headers: Mapping[str, str] | None = None) -> None:
        self._caller.call(Request(method="DELETE", path=path, headers=headers or {}))
