"""Which tests run beside each other: whole modules do, and those with a mark `alone` never do.

With `-n` each process has servers of its own. Modules with the mark run when all others are over,
one after the other, in one process.
"""

from functools import cache
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

MARK = "pytest.mark.alone"
# The rooms whose modules take longest come first, so that all processes end at about the same time.
ROOMS = ("tests/faults/", "tests/integration/", "tests/api/")


class AloneLast(LoadFileScheduling):
    """Hand out modules; those that run alone go to the last process, once it is the only one."""

    def _assign_work_unit(self, node: WorkerController) -> None:
        module = min(self.workqueue, key=self._turn)
        if self._is_alone(module) and self._has_company(node):
            return
        self.workqueue.move_to_end(module, last=False)
        super()._assign_work_unit(node)

    def _reschedule(self, node: WorkerController) -> None:
        if not self.workqueue or not all(map(self._is_alone, self.workqueue)):
            super()._reschedule(node)
        elif not self._has_company(node):
            # It has waited with its last test, because a process does not begin one before it knows
            # what comes next.
            super()._reschedule(node)
        elif any(not other.shutting_down for other in self.nodes if other is not node):
            node.shutdown()

    def remove_node(self, node: WorkerController) -> str | None:
        """Forget a process that has ended; whoever has waited for that goes on."""
        crashed: str | None = super().remove_node(node)
        for other in self.nodes:
            if other in self.registered_collections:
                self._reschedule(other)
        return crashed

    def _has_company(self, node: WorkerController) -> bool:
        return self.nodes != [node]

    def _is_alone(self, module: str) -> bool:
        # The marks are known to the processes that collect, and these tell names only.
        return _says(self.config.rootpath / module, MARK)

    def _turn(self, module: str) -> int:
        if self._is_alone(module):
            return len(ROOMS) + 1
        turns = (turn for turn, room in enumerate(ROOMS) if module.startswith(room))
        return next(turns, len(ROOMS))


@cache
def _says(file: Path, text: str) -> bool:
    return text in file.read_text()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> AloneLast:
    """Take our own scheduler, whatever `--dist` says."""
    return AloneLast(config, log)
