"""Flash sale: everybody wants the one product, at once, until it is gone and then some.

Imports locust, so it belongs into a process of locust's alone; `scenario` starts it.
"""

from typing import Any

import gevent
from locust import events, task
from locust.env import Environment
from locust.exception import StopUser
from locust.runners import MasterRunner, Runner, WorkerRunner

from loadtests.journal import Answer, Order
from loadtests.shoppers import Shopper, chance, openings

QUANTITIES = (1, 2, 3)
LOOK_SHARE = 0.2
# A third of the orders is sent twice: half of those at the same time, half one after the other.
DOUBLE_CLICK_SHARE = 1 / 6
REPEAT_SHARE = 1 / 6
# How often somebody tries on after having been told that nothing is left.
TRIES_AFTER_THE_END = 3
POLL_SECONDS = 0.1

ALL_HAVE_LEFT = "all_have_left"


class FlashSaleShopper(Shopper):
    """Somebody who came for one thing, and leaves when it is sold out for certain."""

    def on_start(self) -> None:
        """Come with fresh hope."""
        super().on_start()
        self._disappointments = 0

    @task
    def buy_the_product(self) -> None:
        """Buy some units; some people click twice, some come back and ask again."""
        (product_id,) = openings()
        if chance.random() < LOOK_SHARE:
            self.look(product_id, again=chance.random() < 0.5)
        order = self.order(product_id, chance.choice(QUANTITIES))
        whim = chance.random()
        if whim < DOUBLE_CLICK_SHARE:
            answer = self._click_twice(order)
        else:
            answer = self.buy(order)
            if whim < DOUBLE_CLICK_SHARE + REPEAT_SHARE:
                self.buy(order)
        if answer is not None and answer.document.get("available") == 0:
            self._disappointments += 1
        if self._disappointments > TRIES_AFTER_THE_END:
            raise StopUser

    def _click_twice(self, order: Order) -> Answer | None:
        clicks = [gevent.spawn(self.buy, order) for _ in range(2)]
        try:
            gevent.joinall(clicks)
        finally:
            # A shopper who is stopped takes both clicks along.
            gevent.killall(clicks)
        answer: Answer | None = clicks[0].value
        return answer


@events.init.add_listener  # type: ignore[untyped-decorator]
def _end_when_all_have_left(environment: Environment, runner: Runner, **_: Any) -> None:
    """End the run as soon as every shopper has left, in whichever process."""
    if isinstance(runner, MasterRunner):
        reports: list[object] = []

        def hear(msg: object, **_: Any) -> None:
            reports.append(msg)
            if len(reports) >= runner.worker_count:
                runner.quit()

        runner.register_message(ALL_HAVE_LEFT, hear)
    else:
        environment.events.spawning_complete.add_listener(  # type: ignore[no-untyped-call]
            lambda **_: gevent.spawn(_report_the_end, runner)
        )


def _report_the_end(runner: Runner) -> None:
    while runner.user_count:
        gevent.sleep(POLL_SECONDS)
    if isinstance(runner, WorkerRunner):
        runner.send_message(ALL_HAVE_LEFT)
    else:
        runner.quit()
