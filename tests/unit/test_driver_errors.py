"""What becomes of the driver's errors: can anything have changed, and whose mistake is it?"""

import pytest
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WaitQueueTimeoutError,
    WriteConcernError,
)
from pymongo.monitoring import ConnectionCheckedOutEvent

from inventory.errors import OutcomeUnknown, StorageUnavailable
from inventory.repository.mongo import reading, writing
from inventory.repository.pooling import AttemptWatch

FULL_DISK, ENGINE, INTERNAL, BAD_VALUE = 14031, 8, 1, 2
TROUBLE = [
    AutoReconnect("gone"),
    OperationFailure("no space left on device", FULL_DISK),
    OperationFailure("WiredTiger panics", ENGINE),
    OperationFailure("broken", INTERNAL),
    WriteConcernError("waiting for replication timed out", 64),
    BulkWriteError({"writeErrors": [{"code": FULL_DISK}]}),
    BulkWriteError({"writeConcernErrors": [{"code": 64}]}),
]


@pytest.mark.parametrize("error", TROUBLE, ids=repr)
def test_a_server_in_trouble_may_have_written(error: PyMongoError) -> None:
    """Nobody knows what became of a write; a read changed nothing."""
    with pytest.raises(OutcomeUnknown), writing():
        raise error
    with pytest.raises(StorageUnavailable), reading():
        raise error


@pytest.mark.parametrize(
    "error", [ServerSelectionTimeoutError("none"), WaitQueueTimeoutError("none")], ids=repr
)
def test_what_was_not_sent_changed_nothing(error: PyMongoError) -> None:
    """A write that found no server or no connection was certainly not applied."""
    with pytest.raises(StorageUnavailable), writing():
        raise error


@pytest.mark.parametrize(
    "error", [ServerSelectionTimeoutError("none"), WaitQueueTimeoutError("none")], ids=repr
)
def test_what_may_have_been_sent_before_may_have_changed_something(error: PyMongoError) -> None:
    """The driver sends again by itself what was not answered, and may find no connection then."""

    def send_again() -> None:
        AttemptWatch().connection_checked_out(ConnectionCheckedOutEvent(("db", 27017), 1, 0.0))
        raise error

    with pytest.raises(OutcomeUnknown), writing():
        send_again()
    with pytest.raises(StorageUnavailable), writing():
        raise error


@pytest.mark.parametrize(
    "error",
    [OperationFailure("bad value", BAD_VALUE), BulkWriteError({"writeErrors": [{"code": 2}]})],
    ids=repr,
)
def test_mistakes_of_ours_stay_what_they_are(error: PyMongoError) -> None:
    """Trying again would be in vain, so nobody is told to."""
    with pytest.raises(type(error)), writing():
        raise error
    with pytest.raises(type(error)), reading():
        raise error
