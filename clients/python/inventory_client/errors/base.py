"""The roots of the tree: who was asked, what was said, and whether it may have happened."""

from collections.abc import Mapping
from typing import Any, ClassVar, get_origin, get_type_hints

from inventory_client.reading import read_members, reader_of


class InventoryError(Exception):
    """Base of everything that a call raises on purpose.

    `idempotency_key` is the one that the call was sent with, None if it had none. Where
    `may_have_happened`, an attempt of this call may have had its effect, and nobody has said so:
    the same call with the same key tells.
    """

    # Whether it says what became of every attempt with the same key.
    settles: ClassVar[bool] = True

    idempotency_key: str | None = None
    may_have_happened: bool = False


class Unavailable(InventoryError):
    """Nothing was decided in time. The call can be made again, with the same key if it had one."""

    settles = False
    # Whether it is certain that this attempt had no effect.
    unchanged: ClassVar[bool] = False

    retry_after_seconds: float | None = None


class Unreachable(Unavailable):
    """The service could not be connected to, so it never saw the request."""

    unchanged = True


class NoAnswer(Unavailable):
    """The request was sent, at least in part, and no whole answer came in time."""


class UnexpectedAnswer(InventoryError):
    """The answer is not what the service's document promises: another service, or a proxy."""

    settles = False


class Problem(InventoryError):
    """The service said no, in a problem document (RFC 9457). `document` is all of it."""

    code: str = ""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.code = document.get("code") or type(self).code
        self.status = int(document["status"])
        self.title = str(document.get("title", ""))
        self.detail = str(document.get("detail", ""))
        self.request_id = document.get("request_id")
        self.document = document
        readers = {name: reader_of(hint) for name, hint in facts(type(self)).items()}
        for name, value in read_members(type(self).__name__, readers, document).items():
            setattr(self, name, value)
        super().__init__(f"{self.detail or self.title} ({self.code or self.status})")


def facts(kind: type[Problem]) -> dict[str, Any]:
    """Return what problems of a kind say besides what all of them do: names and types."""
    common = get_type_hints(Problem) | get_type_hints(Unavailable)
    return {
        name: hint
        for name, hint in get_type_hints(kind).items()
        if name not in common and get_origin(hint) is not ClassVar
    }
