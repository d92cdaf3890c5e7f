"""Lets those who want the same at the same time ask for it once.

Whoever comes first asks; who comes while the question is out shares the next one, which is asked
when the first is answered. Nobody gets the answer to a question that was put before they came: it
could be older than a change that they know of.
"""

import threading
import time
from collections.abc import Callable, Hashable, Iterable
from typing import Generic, TypeVar

Item = TypeVar("Item", bound=Hashable)
Answer = TypeVar("Answer")
Ask = Callable[[Iterable[Item]], Answer]


class _Round(Generic[Item, Answer]):
    """One question: what it asks for, and what became of it."""

    __slots__ = ("answer", "items", "over", "previous", "problem")

    def __init__(self, previous: "_Round[Item, Answer] | None") -> None:
        self.previous = previous
        # In the order in which they came, each once.
        self.items: dict[Item, None] = {}
        self.over = threading.Event()
        self.answer: list[Answer] = []
        self.problem: Exception | None = None


class Gathering(Generic[Item, Answer]):
    """Questions about topics; of each topic one is out and at most one is being gathered."""

    def __init__(self, time_left: Callable[[], float | None] = lambda: None) -> None:
        """Let nobody wait longer than `time_left` says; it says None where each is sure to end."""
        self._time_left = time_left
        self._lock = threading.Lock()
        self._asked: dict[str, _Round[Item, Answer]] = {}
        self._gathered: dict[str, _Round[Item, Answer]] = {}

    def ask(self, topic: str, items: Iterable[Item], ask: Ask[Item, Answer]) -> tuple[Answer, bool]:
        """Return what `ask` answers for `items` and those of others, and whether we asked it.

        Raises what `ask` raised, and `TimeoutError` where that took longer than we may wait.
        """
        with self._lock:
            round_ = self._gathered.get(topic)
            leads = round_ is None
            if round_ is None:
                round_ = self._gathered[topic] = _Round(self._asked.get(topic))
            round_.items.update(dict.fromkeys(items))
        if leads:
            return self._lead(topic, round_, ask), True
        if not round_.over.wait(self._time_left()):
            raise TimeoutError
        if round_.problem is not None:
            raise round_.problem.with_traceback(None)
        return round_.answer[0], False

    def _lead(self, topic: str, round_: _Round[Item, Answer], ask: Ask[Item, Answer]) -> Answer:
        try:
            self._await_turn(topic, round_)
            answer = ask(round_.items)
            round_.answer.append(answer)
            return answer
        except BaseException as problem:
            # A thread that is being killed says so to nobody else.
            round_.problem = problem if isinstance(problem, Exception) else TimeoutError()
            raise
        finally:
            with self._lock:
                if self._asked.get(topic) is round_:
                    del self._asked[topic]
            round_.over.set()

    def _await_turn(self, topic: str, round_: _Round[Item, Answer]) -> None:
        """Wait for the round before this one; from then on nobody joins it any more."""
        try:
            if round_.previous is not None:
                round_.previous.over.wait(self._time_left())
                round_.previous = None
            # Those who were answered by it need one turn to send their next request.
            time.sleep(0)
        finally:
            with self._lock:
                del self._gathered[topic]
                self._asked[topic] = round_
