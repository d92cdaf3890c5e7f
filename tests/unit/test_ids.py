"""Ids: unique, and in the order of time whichever process makes them."""

import os
import time
from itertools import pairwise

from bson import ObjectId

from inventory.repository.mongo import new_id, object_id


def _made_elsewhere() -> str:
    """Make an id in a process of its own."""
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:
        os.write(writer, new_id().encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writer)
    with open(reader) as pipe:
        return pipe.read()


def test_they_sort_by_time_over_processes() -> None:
    """Lists come newest first: what one worker sold after another is above it, a second or less."""
    ids = [_made_elsewhere() for _ in range(20)]
    assert all(before < after for before, after in pairwise(ids)), ids


def test_many_made_at_once_are_all_different() -> None:
    """In one process, faster than the clock tells apart, and none earlier than the last."""
    ids = [new_id() for _ in range(10_000)]
    assert len(set(ids)) == len(ids)
    moments = [id[:12] for id in ids]
    assert moments == sorted(moments)


def test_they_are_object_ids_that_tell_the_time() -> None:
    """What reads an id's second, as the driver does, reads the right one."""
    before = int(time.time())
    id = object_id(new_id())
    assert isinstance(id, ObjectId)
    assert before <= id.generation_time.timestamp() <= time.time()
