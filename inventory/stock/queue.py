"""Gathers what waits while somebody works: one leader a process, no timer, nothing to wedge.

Whoever comes first leads: it works for all who wait by then, and hands the lead to the next.
Meanwhile the next group gathers by itself; an idle service adds no delay. Knows nothing of stock.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from inventory import limits
from inventory.errors import InventoryError, OutcomeUnknown, Overloaded

# How often a leader lets all others have their turn before it takes its group: those who were just
# answered need about so many to send their next request, read it and come here.
YIELDS = 3
Item = TypeVar("Item")
Result = TypeVar("Result")


class Ticket(Generic[Item, Result]):
    """One waiting item, and what became of it."""

    __slots__ = ("_woken", "deadline", "entered_at", "failure", "item", "leads", "result")

    def __init__(self, item: Item, deadline: float) -> None:
        self.item = item
        self.entered_at = time.monotonic()
        self.deadline = deadline
        self.leads = False
        self.result: Result | None = None
        self.failure: InventoryError | None = None
        self._woken = threading.Event()

    @property
    def decided(self) -> bool:
        """Whether there is a result or a failure."""
        return self.result is not None or self.failure is not None

    @property
    def woken(self) -> bool:
        """Whether everything was done for it that has to be done before it is answered."""
        return self._woken.is_set()

    def wake(self) -> None:
        """Let whoever waits look again."""
        self._woken.set()

    def sleep(self) -> None:
        """Wait to be woken, until the deadline at most."""
        self._woken.wait(max(0.0, self.deadline - time.monotonic()))


Work = Callable[[Sequence[Ticket[Item, Result]], float], None]


class GroupQueue(Generic[Item, Result]):
    """Runs items in groups, first come, first served, one group at a time.

    `work(tickets, deadline)` gives every ticket a result or a failure. A group has at most
    `limits.GROUP_OPERATIONS_MAX` items, and unless it is a single one, they weigh no more than
    `limits.GROUP_LINES_MAX` together.
    """

    def __init__(
        self, work: Work[Item, Result], weigh: Callable[[Item], int] = lambda _: 1
    ) -> None:
        self._work = work
        self._weigh = weigh
        self._lock = threading.Lock()
        self._waiting: deque[Ticket[Item, Result]] = deque()
        self._led = False

    @property
    def size(self) -> int:
        """How many items wait."""
        return len(self._waiting)

    def run(self, item: Item, deadline: float) -> Result:
        """Wait for the result of `item`, until `deadline` by the monotonic clock at most.

        Raises what `work` found, `Overloaded` where the item was certainly not begun, and
        `OutcomeUnknown` where it was begun and not finished in time.
        """
        ticket: Ticket[Item, Result] = Ticket(item, deadline)
        self._enter(ticket)
        try:
            if not ticket.leads:
                ticket.sleep()
            self._settle(ticket)
        except BaseException:
            # The waiting thread itself is being killed: whatever it was to do, others go on.
            self._abandon(ticket)
            raise
        if ticket.leads:
            self._lead(ticket)
        if ticket.failure is not None:
            raise ticket.failure
        assert ticket.result is not None
        return ticket.result

    def _enter(self, ticket: Ticket[Item, Result]) -> None:
        with self._lock:
            if len(self._waiting) >= limits.QUEUE_OPERATIONS_MAX:
                raise Overloaded
            self._waiting.append(ticket)
            if not self._led:
                self._led = ticket.leads = True

    def _settle(self, ticket: Ticket[Item, Result]) -> None:
        """Find out why the ticket woke; one whose time is up leaves the queue, or is unknown."""
        with self._lock:
            if ticket.leads or ticket.woken:
                return
            if ticket in self._waiting:
                self._waiting.remove(ticket)
                ticket.failure = Overloaded()
            else:
                ticket.failure = OutcomeUnknown()

    def _abandon(self, ticket: Ticket[Item, Result]) -> None:
        with self._lock:
            if ticket in self._waiting:
                self._waiting.remove(ticket)
        if ticket.leads:
            self._hand_over()

    def _lead(self, leader: Ticket[Item, Result]) -> None:
        group: list[Ticket[Item, Result]] = []
        try:
            # Whoever has arrived by now may still join; in an idle service that is nobody.
            for _ in range(YIELDS):
                time.sleep(0)
            group = self._take(leader)
            if group:
                self._work(group, leader.deadline)
        finally:
            self._hand_over()
            for ticket in group:
                if not ticket.decided:
                    # The work broke off in the middle, so nobody knows how far it got.
                    ticket.failure = OutcomeUnknown()
                ticket.wake()

    def _take(self, leader: Ticket[Item, Result]) -> list[Ticket[Item, Result]]:
        """Take the next group out of the queue; those whose time is up are not begun."""
        now = time.monotonic()
        group: list[Ticket[Item, Result]] = []
        weight = 0
        with self._lock:
            while self._waiting and len(group) < limits.GROUP_OPERATIONS_MAX:
                weight += self._weigh(self._waiting[0].item)
                if group and weight > limits.GROUP_LINES_MAX:
                    break
                ticket = self._waiting.popleft()
                needed = limits.LEAD_SECONDS_MIN if ticket is leader else 0.0
                if ticket.deadline - now > needed:
                    group.append(ticket)
                else:
                    ticket.failure = Overloaded()
                    ticket.wake()
                if leader.failure is not None:
                    break
        return group

    def _hand_over(self) -> None:
        with self._lock:
            if self._waiting:
                self._waiting[0].leads = True
                self._waiting[0].wake()
            else:
                self._led = False
