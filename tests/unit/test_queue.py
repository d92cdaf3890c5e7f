"""The queue gathers, works in order, and cannot wedge. Pure threads, no store."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from inventory import limits
from inventory.errors import OutcomeUnknown, Overloaded
from inventory.stock.queue import GroupQueue, Ticket

FAR = 30.0
Tickets = Sequence[Ticket[int, str]]


class Recorder:
    """Works by writing down each group; a test can hold it up, or let it break.

    `may_work` holds up every group, `may_finish` only those of several items.
    """

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.working = threading.Event()
        self.may_work = threading.Event()
        self.may_work.set()
        self.may_finish = threading.Event()
        self.may_finish.set()
        self.failures: list[BaseException | None] = []

    def work(self, tickets: Tickets, _deadline: float) -> None:
        self.groups.append([ticket.item for ticket in tickets])
        self.working.set()
        assert self.may_work.wait(FAR)
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None:
            raise failure
        if len(tickets) > 1:
            assert self.may_finish.wait(FAR)
        for ticket in tickets:
            ticket.result = f"done {ticket.item}"


@pytest.fixture(name="recorder")
def _recorder() -> Recorder:
    return Recorder()


@pytest.fixture(name="queue")
def _queue(recorder: Recorder) -> GroupQueue[int, str]:
    return GroupQueue(recorder.work)


@pytest.fixture(name="pool")
def _pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(16) as pool:
        yield pool


def run(queue: GroupQueue[int, str], item: int, seconds: float = FAR) -> str:
    return queue.run(item, time.monotonic() + seconds)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + FAR
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def hold_up(
    recorder: Recorder, queue: GroupQueue[int, str], pool: ThreadPoolExecutor
) -> Future[str]:
    """Let item 0 lead and be held up in its decision."""
    recorder.may_work.clear()
    first = pool.submit(run, queue, 0)
    assert recorder.working.wait(FAR)
    return first


def enqueue(
    queue: GroupQueue[int, str], pool: ThreadPoolExecutor, item: int, seconds: float = FAR
) -> Future[str]:
    """Submit an item and return once it waits."""
    before = len(queue._waiting)
    future = pool.submit(run, queue, item, seconds)
    until(lambda: len(queue._waiting) == before + 1)
    return future


def test_a_lone_item_is_decided_at_once(queue: GroupQueue[int, str], recorder: Recorder) -> None:
    """Nobody waits for company: each of two items in a row is a group of its own."""
    assert [run(queue, 1), run(queue, 2)] == ["done 1", "done 2"]
    assert recorder.groups == [[1], [2]]


def test_items_gather_while_one_is_decided(
    queue: GroupQueue[int, str], recorder: Recorder, pool: ThreadPoolExecutor
) -> None:
    """Whatever comes while a group is decided forms the next group, in order."""
    first = hold_up(recorder, queue, pool)
    others = [enqueue(queue, pool, item) for item in (1, 2, 3)]
    recorder.may_work.set()
    assert [future.result(FAR) for future in (first, *others)] == [
        "done 0",
        "done 1",
        "done 2",
        "done 3",
    ]
    assert recorder.groups == [[0], [1, 2, 3]]


def test_a_group_is_bounded(
    queue: GroupQueue[int, str],
    recorder: Recorder,
    pool: ThreadPoolExecutor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """More items than a group may hold become several groups, first come, first served."""
    monkeypatch.setattr(limits, "GROUP_OPERATIONS_MAX", 2)
    first = hold_up(recorder, queue, pool)
    others = [enqueue(queue, pool, item) for item in (1, 2, 3)]
    recorder.may_work.set()
    for future in (first, *others):
        future.result(FAR)
    assert recorder.groups == [[0], [1, 2], [3]]


def test_a_full_queue_refuses(
    queue: GroupQueue[int, str],
    recorder: Recorder,
    pool: ThreadPoolExecutor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An item too many is turned away at once and never begun."""
    monkeypatch.setattr(limits, "QUEUE_OPERATIONS_MAX", 1)
    first = hold_up(recorder, queue, pool)
    second = enqueue(queue, pool, 1)
    with pytest.raises(Overloaded):
        run(queue, 2)
    recorder.may_work.set()
    first.result(FAR)
    second.result(FAR)
    assert recorder.groups == [[0], [1]]


def test_an_item_whose_time_is_up_is_not_begun(
    queue: GroupQueue[int, str], recorder: Recorder, pool: ThreadPoolExecutor
) -> None:
    """Who waits too long leaves the queue, and certainly nothing happened."""
    first = hold_up(recorder, queue, pool)
    with pytest.raises(Overloaded):
        run(queue, 1, seconds=0.01)
    recorder.may_work.set()
    first.result(FAR)
    assert recorder.groups == [[0]]


def test_an_item_that_was_begun_is_unknown_when_its_time_is_up(
    queue: GroupQueue[int, str], recorder: Recorder, pool: ThreadPoolExecutor
) -> None:
    """Who stops waiting after the group was begun must not be told that nothing happened."""
    first = hold_up(recorder, queue, pool)
    leader, follower = enqueue(queue, pool, 1), enqueue(queue, pool, 2, seconds=0.5)
    recorder.may_finish.clear()
    recorder.may_work.set()
    assert first.result(FAR) == "done 0"
    assert isinstance(follower.exception(FAR), OutcomeUnknown)
    recorder.may_finish.set()
    assert leader.result(FAR) == "done 1"
    assert recorder.groups == [[0], [1, 2]]


def test_a_broken_decision_harms_only_its_group(
    queue: GroupQueue[int, str], recorder: Recorder, pool: ThreadPoolExecutor
) -> None:
    """The leader sees the fault, its followers an unknown outcome, the next group nothing."""
    first = hold_up(recorder, queue, pool)
    group = [enqueue(queue, pool, item) for item in (1, 2)]
    recorder.failures = [None, ZeroDivisionError()]
    recorder.may_work.set()
    assert first.result(FAR) == "done 0"
    leader, follower = (future.exception(FAR) for future in group)
    assert isinstance(leader, ZeroDivisionError)
    assert isinstance(follower, OutcomeUnknown)
    assert run(queue, 3) == "done 3"


class Killed(BaseException):
    """What a server throws into a request that it ends by force."""


def test_a_killed_waiter_passes_the_lead_on(
    queue: GroupQueue[int, str],
    recorder: Recorder,
    pool: ThreadPoolExecutor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A thread that dies just when it was to lead leaves the lead to the next in line."""
    first = hold_up(recorder, queue, pool)
    real_sleep = Ticket.sleep

    def sleep_and_die(ticket: Ticket[int, str]) -> None:
        real_sleep(ticket)
        if ticket.item == 1:
            raise Killed

    monkeypatch.setattr(Ticket, "sleep", sleep_and_die)
    doomed = enqueue(queue, pool, 1)
    heir = enqueue(queue, pool, 2)
    recorder.may_work.set()
    first.result(FAR)
    assert isinstance(doomed.exception(FAR), Killed)
    assert heir.result(FAR) == "done 2"
    assert recorder.groups == [[0], [2]]


def test_a_leader_without_time_hands_over(
    queue: GroupQueue[int, str],
    recorder: Recorder,
    pool: ThreadPoolExecutor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who is to lead with no time left to write gives up alone, and the next one leads."""
    monkeypatch.setattr(limits, "LEAD_SECONDS_MIN", limits.REQUEST_SECONDS_MAX)
    first = hold_up(recorder, queue, pool)
    hurried = enqueue(queue, pool, 1, seconds=1.0)
    patient = enqueue(queue, pool, 2)
    recorder.may_work.set()
    first.result(FAR)
    assert isinstance(hurried.exception(FAR), Overloaded)
    assert patient.result(FAR) == "done 2"
