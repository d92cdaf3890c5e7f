"""The MongoDB client, the translation of its errors, its limits of time, and its clock."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pymongo
from bson import ObjectId
from bson.codec_options import CodecOptions
from bson.errors import InvalidId
from pymongo import MongoClient, ReadPreference, WriteConcern, _csot
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import (
    BulkWriteError,
    ConfigurationError,
    ConnectionFailure,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WaitQueueTimeoutError,
    WriteConcernError,
)
from pymongo.monitoring import CommandListener, ConnectionPoolListener
from pymongo.read_concern import ReadConcern

from inventory import limits
from inventory.errors import DatabaseNotReady, OutcomeUnknown, StorageUnavailable, Unavailable
from inventory.repository.pooling import AttemptWatch, attempting
from inventory.settings import Settings, SettingsError

Document = dict[str, Any]
Session = ClientSession
Listener = CommandListener | ConnectionPoolListener
T = TypeVar("T")

# What a server in trouble of its own answers: an internal error, an unknown one (which is what
# WiredTiger's are), a write that was not acknowledged in time or by enough, and a full disk.
_IN_TROUBLE = frozenset({1, 8, 64, 100, 14031})
# Acknowledged means: on the disk of a majority. Only what can be derived again waits for less.
DURABLE = WriteConcern(w="majority", j=True)
DERIVED = WriteConcern(w=1, j=False)
MAJORITY = ReadConcern("majority")

# The last is Atlas' own. Whatever was asked under such an error was not done.
_NOT_AUTHORIZED, _AUTHENTICATION_FAILED, _ATLAS_ERROR = 13, 18, 8000

NO_RIGHTS = (
    "The database does not let the user of MONGO_URL read and write; grant it the role readWrite, "
    "or name a user in MONGO_URL."
)
_BAD_ADDRESS = (
    "MONGO_URL: this is no address, or its name cannot be looked up; one looks like "
    "mongodb://user:password@host1,host2/?replicaSet=rs0, with %XX for special characters"
)


def connect(settings: Settings, listeners: Sequence[Listener] = ()) -> MongoClient[Document]:
    """Build the client of this process; it connects when it is first used.

    The `listeners` hear of its commands or its pools, whichever they are for.
    PyMongo must not be carried over a fork, so call this in the worker. Raises `SettingsError` for
    an address that makes no sense, without the password that may stand in it.
    """
    try:
        return MongoClient(
            settings.mongo_url,
            appname="inventory",
            tz_aware=True,
            retryWrites=True,
            retryReads=True,
            w="majority",
            journal=True,
            readConcernLevel="local",
            timeoutMS=int(limits.MONGO_TIMEOUT_SECONDS * 1000),
            serverSelectionTimeoutMS=int(limits.SERVER_SELECTION_TIMEOUT_SECONDS * 1000),
            connectTimeoutMS=1_000,
            maxPoolSize=settings.mongo_pool_size,
            waitQueueTimeoutMS=int(limits.POOL_WAIT_SECONDS * 1000),
            heartbeatFrequencyMS=2_000,
            event_listeners=[AttemptWatch(), *listeners],
        )
    except (ConfigurationError, ValueError) as error:
        raise SettingsError([_BAD_ADDRESS]) from error


def open_database(client: MongoClient[Document], settings: Settings) -> Database[Document]:
    """Return the service's database; all reads go to the primary."""
    options: CodecOptions[Document] = CodecOptions(tz_aware=True, tzinfo=UTC)
    return client.get_database(
        settings.mongo_database, codec_options=options, read_preference=ReadPreference.PRIMARY
    )


def time_limit(seconds: float) -> AbstractContextManager[object]:
    """Let all database calls inside the block take `seconds` together at most."""
    return pymongo.timeout(max(seconds, 0.001))


def time_left() -> float | None:
    """Return how many of these seconds are left, None outside of such a block.

    The driver knows, and has no public name for it.
    """
    return None if (seconds := _csot.remaining()) is None else max(0.0, seconds)


@contextmanager
def reading() -> Iterator[None]:
    """Translate driver errors of reads: whatever went wrong, nothing was changed."""
    try:
        yield
    except PyMongoError as error:
        _raise_if_lasting(error)
        raise StorageUnavailable from error


@contextmanager
def writing() -> Iterator[None]:
    """Translate driver errors of writes: only an unsent write is certainly not applied.

    The driver sends a write once more if its answer was lost; if it finds no connection for that,
    it says so, and no more.
    """
    with attempting() as attempt:
        try:
            yield
        except (ServerSelectionTimeoutError, WaitQueueTimeoutError) as error:
            raise (OutcomeUnknown if attempt.connected else StorageUnavailable) from error
        except PyMongoError as error:
            _raise_if_lasting(error)
            raise OutcomeUnknown from error


def refusal(error: PyMongoError) -> DatabaseNotReady | None:
    """Return the sentence for an error that says who may not, None for any other error."""
    code = error.code if isinstance(error, OperationFailure) else None
    if code in (_AUTHENTICATION_FAILED, _ATLAS_ERROR):
        return DatabaseNotReady("The database refuses the user and password that MONGO_URL names.")
    if code == _NOT_AUTHORIZED:
        return DatabaseNotReady(NO_RIGHTS)
    return None


def _raise_if_lasting(error: PyMongoError) -> None:
    """Raise where trying again is in vain: an operator has to act, or we made a mistake."""
    if isinstance(error, OperationFailure) and not _passing(error):
        raise refusal(error) or error


def _passing(error: PyMongoError) -> bool:
    """Tell whether an error is one of circumstances, as opposed to a mistake of ours."""
    if error.timeout or isinstance(error, ConnectionFailure | WriteConcernError):
        return True
    if isinstance(error, OperationFailure) and _codes(error) & _IN_TROUBLE:
        return True
    return any(
        error.has_error_label(label)
        for label in ("RetryableWriteError", "TransientTransactionError", "SystemOverloadedError")
    )


def _codes(error: OperationFailure) -> set[int | None]:
    """Return what the server said is wrong; of many writes in one command, with each of them."""
    details = error.details if isinstance(error, BulkWriteError) else {}
    failures = [*details.get("writeErrors", ()), *details.get("writeConcernErrors", ())]
    return {error.code, *(failure.get("code") for failure in failures)}


class Transactions:
    """Runs work that changes several documents, all of them or none.

    `ended` hears of each transaction how often it was tried.
    """

    def __init__(
        self, client: MongoClient[Document], ended: Callable[[int], None] = lambda _: None
    ) -> None:
        self._client = client
        self._ended = ended

    def run(self, work: Callable[[ClientSession], T]) -> T:
        """Run `work` in one transaction; conflicts are retried until the time limit is used up.

        The driver waits a little longer before each new try, and never equally long. `work` may run
        several times, so it must have no effect outside the transaction. An exception of ours that
        it raises aborts the transaction and reaches the caller. Raises `StorageUnavailable` where
        the end was not reached, so that nothing was committed, else `OutcomeUnknown`.
        """
        committing, tries = False, 0

        def attempt(session: ClientSession) -> T:
            nonlocal committing, tries
            committing, tries = False, tries + 1
            result = work(session)
            committing = True
            return result

        try:
            with writing(), self._client.start_session() as session:
                return session.with_transaction(
                    attempt,
                    read_concern=ReadConcern("snapshot"),
                    write_concern=DURABLE,
                    read_preference=ReadPreference.PRIMARY,
                )
        except OutcomeUnknown as problem:
            if committing:
                raise
            raise StorageUnavailable from problem
        finally:
            self._ended(tries)


class DatabaseClock:
    """The primary's clock as seen from here, so that fences compare like with like.

    It runs on this process's monotonic clock, which nobody sets, from a reading that is repeated
    every `limits.CLOCK_REFRESH_SECONDS` and is off by less than the round trip of one `hello`.
    """

    def __init__(self, database: Database[Document]) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._zero: datetime | None = None
        self._read_at = 0.0

    def now(self) -> datetime:
        """Return the database's time, in UTC, to the millisecond.

        Raises `StorageUnavailable` only if the database's clock was never read before.
        """
        zero = self._zero
        if zero is None:
            zero = self._read()
        elif time.monotonic() - self._read_at > limits.CLOCK_REFRESH_SECONDS:
            self._refresh()
        moment = zero + timedelta(seconds=time.monotonic())
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)

    def _refresh(self) -> None:
        """Read again, in the background: nobody who asks for the time waits for a frozen server."""
        if self._lock.acquire(blocking=False):
            threading.Thread(target=self._read_again, name="clock", daemon=True).start()

    def _read_again(self) -> None:
        try:
            with suppress(Unavailable):
                self._read()
        finally:
            self._lock.release()

    def _read(self) -> datetime:
        """Ask what time it is there, and remember what it was when the clock here stood at zero."""
        with reading():
            before = time.monotonic()
            hello = self._database.command("hello")
            there: datetime = hello["localTime"].replace(tzinfo=UTC)
        self._read_at = time.monotonic()
        self._zero = there - timedelta(seconds=(before + self._read_at) / 2)
        return self._zero


def new_id() -> str:
    """Return a new unique id: 24 hexadecimal digits that sort by time of creation.

    An ObjectId tells only the second; what was made in one second would sort by process. Here the
    first six bytes tell the time in parts of a second (65,536ths), and the last six who made it.
    """
    return f"{(time.time_ns() << 16) // 1_000_000_000:012x}{str(ObjectId())[12:]}"


def object_id(text: str) -> ObjectId | None:
    """Return the ObjectId that `text` spells, None if it spells none.

    Each id has one spelling, lower case: a second one would be a second key in every cache.
    """
    try:
        id = ObjectId(text)
    except (InvalidId, TypeError):
        return None
    return id if str(id) == text else None
