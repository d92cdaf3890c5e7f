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

from inventory.errors import OutcomeUnknown, StorageUnavailable
from inventory.repository.mongo import reading, writing

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
