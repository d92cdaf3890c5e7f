"""Who waits for whom in a reload."""

import os

from inventory.succession import Succession


def test_nobody_waits_without_a_reload() -> None:
    """A worker that is told to stop has no successors to wait for."""
    assert not Succession().is_missing(1)


def test_old_workers_wait_for_all_new_ones() -> None:
    """They wait until the last of the announced workers serves; new ones wait for nobody."""
    succession = Succession()
    succession.announce(first_age=3, workers=2)
    assert succession.is_missing(1)
    assert succession.is_missing(2)
    assert not succession.is_missing(3)
    succession.ready(3)
    succession.ready(3)
    assert succession.is_missing(2)
    succession.ready(4)
    assert not succession.is_missing(2)


def test_the_next_reload_begins_anew() -> None:
    """Who was ready in the last reload is old in this one."""
    succession = Succession()
    succession.announce(3, 1)
    succession.ready(3)
    succession.announce(4, 1)
    succession.ready(3)
    assert succession.is_missing(3)


def test_processes_share_it() -> None:
    """What one process says, all that were forked from the same one hear."""
    succession = Succession()
    succession.announce(2, 1)
    if (child := os.fork()) == 0:
        succession.ready(2)
        os._exit(0)
    os.waitpid(child, 0)
    assert not succession.is_missing(1)
