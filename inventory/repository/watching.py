"""Hears of what comes into the ledger, from MongoDB's change stream."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from pymongo.change_stream import DatabaseChangeStream
from pymongo.database import Database
from pymongo.errors import OperationFailure

from inventory import limits
from inventory.domain.movements import Movement
from inventory.domain.purchases import Return
from inventory.repository.mongo import MAJORITY, Document, reading, time_limit
from inventory.repository.movements import movement_from
from inventory.repository.purchases import return_from

# The change stream cannot go on: what it would have told has left the oplog, or it was cut.
_HISTORY_LOST = frozenset({136, 280, 286})


class HistoryLost(Exception):
    """What has come into the ledger since can only be found out by looking at all products."""


class LedgerWatch:
    """What comes into the ledger, as soon as no failover can take it any more."""

    def __init__(self, database: Database[Document], token: Mapping[str, Any] | None) -> None:
        wanted = {"operationType": "insert", "ns.coll": {"$in": ["movements", "returns"]}}
        shown = {"ns.coll": 1, "fullDocument": 1}
        # It may have to look through much that is not of the ledger before it finds where to begin.
        with _translated(), time_limit(limits.FEED_OPEN_SECONDS):
            self._stream: DatabaseChangeStream[Document] = database.with_options(
                read_concern=MAJORITY
            ).watch(
                [{"$match": wanted}, {"$project": shown}],
                resume_after=token,
                max_await_time_ms=int(limits.FEED_WAIT_SECONDS * 1000),
                batch_size=limits.FEED_ROWS,
            )

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop to listen."""
        self._stream.close()

    @property
    def token(self) -> Mapping[str, Any]:
        """Where to go on after what was returned last."""
        token = self._stream.resume_token
        assert token is not None  # servers of version 4.2 and newer always tell
        return token

    def next(self, count: int) -> tuple[list[Movement], list[Return]]:
        """Return up to `count` rows and returns; wait a moment for the first, not for others."""
        rows, returns = list[Movement](), list[Return]()
        with _translated():
            while len(rows) + len(returns) < count:
                change = self._stream.try_next()
                if change is None:
                    break
                if change["ns"]["coll"] == "movements":
                    rows.append(movement_from(change["fullDocument"]))
                else:
                    returns.append(return_from(change["fullDocument"]))
        return rows, returns


@contextmanager
def _translated() -> Iterator[None]:
    with reading():
        try:
            yield
        except OperationFailure as error:
            if error.code in _HISTORY_LOST:
                raise HistoryLost from error
            raise
