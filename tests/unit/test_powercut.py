"""What is concluded from a power cut, and the parts of the construction that need no disk."""

import importlib
import json
import os
from dataclasses import replace
from typing import Any

import pytest
from pymongo import WriteConcern

from inventory.local import LocalError
from inventory.repository import mongo
from inventory.serving import gunicorn_command
from inventory.settings import Settings
from loadtests.journal import Answer, Order
from loadtests.powercut import figures
from loadtests.powercut.buyers import IN_CARTS, RANGE, SHARES, Cart
from loadtests.powercut.disk import prepare, sectors_written
from loadtests.powercut.figures import DURABLE, UNDURABLE, Cut
from loadtests.powercut.freezing import state_of
from loadtests.powercut.run import APPLICATIONS
from loadtests.powercut.undurable import EARLY, acknowledging_early

MILLISECOND = 1_000_000


def sold(id: str, at: int = 0) -> Answer:
    return Answer(at, 201, json.dumps({"id": id}))


def refused() -> Answer:
    return Answer(0, 409, json.dumps({"code": "insufficient_stock", "available": 0}))


HEARD = {"a": sold("1", 3 * MILLISECOND), "b": sold("2", 7 * MILLISECOND), "c": refused()}
CUT = Cut(
    way=DURABLE,
    number=1,
    acknowledged=2,
    refused=1,
    open=4,
    lost=[],
    lost_ms=None,
    otherwise=[],
    unsynced_bytes=1_500_000,
    seconds=12.3,
    problems=[],
)
CONTROL = replace(CUT, way=UNDURABLE, lost=["b"], lost_ms=3.0)


def test_all_on_record_is_nothing_lost() -> None:
    """Whatever else is on record, and whatever was refused, is no loss."""
    assert figures.lost(HEARD, {"1", "2", "3"}) == []


def test_what_is_not_on_record_is_lost() -> None:
    """Each purchase that was acknowledged and that nobody knows of is named by its key."""
    assert figures.lost(HEARD, {"1"}) == ["b"]
    assert figures.lost(HEARD, set()) == ["a", "b"]


def test_a_loss_tells_how_far_back_it_reaches() -> None:
    """The oldest of the answers counts, from its arrival to the cut."""
    assert figures.age_ms(HEARD, ["b", "a"], 9 * MILLISECOND) == 6.0
    assert figures.age_ms(HEARD, [], 9 * MILLISECOND) is None


@pytest.mark.parametrize(
    "again",
    [
        {},
        {"c": sold("9")},
        {"c": replace(refused(), body="{}")},
    ],
)
def test_any_other_answer_is_another_answer(again: dict[str, Answer]) -> None:
    """A retry without an answer, of another status, or with another body: each is told."""
    assert figures.otherwise(HEARD, HEARD | {"c": replace(refused(), at=99)}) == []
    rest = {key: answer for key, answer in HEARD.items() if key != "c"}
    assert figures.otherwise(HEARD, rest | again) == ["c"]


@pytest.mark.parametrize(
    "change", [{"lost": ["a"]}, {"otherwise": ["a"]}, {"problems": ["the books are wrong"]}]
)
def test_only_the_service_as_it_is_must_be_right(change: dict[str, Any]) -> None:
    """A loss, another answer and wrong books are problems, except of the control."""
    assert figures.problems_of([CUT, replace(CONTROL, **change)]) == []
    assert len(figures.problems_of([replace(CUT, **change), CONTROL])) == 1


def test_a_control_that_loses_nothing_proves_nothing() -> None:
    """What the service itself has lost is no substitute for a loss of the control."""
    assert figures.proves_something([CUT, CONTROL])
    assert not figures.proves_something([replace(CUT, lost=["a"]), replace(CONTROL, lost=[])])


def test_the_table_tells_each_cut_and_the_sums() -> None:
    """There is a row for each cut and one for each way, with what was told and lost."""
    rows = figures.markdown([CUT, CONTROL, replace(CUT, number=2)]).splitlines()[2:]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    assert [row[:4] for row in cells] == [
        [DURABLE, "1", "2", "0"],
        [UNDURABLE, "1", "2", "1"],
        [DURABLE, "2", "2", "0"],
        [DURABLE, "all", "4", "0"],
        [UNDURABLE, "all", "2", "1"],
    ]


def test_the_control_waits_for_no_journal() -> None:
    """Inside the block clients and transactions acknowledge early, and outside of it never."""
    settings = Settings(mongo_url="mongodb://127.0.0.1:1/?replicaSet=rs0", redis_url="off")
    with acknowledging_early(), mongo.connect(settings) as client:
        assert (client.write_concern, mongo.DURABLE) == (EARLY, EARLY)
    with mongo.connect(settings) as client:
        durable = WriteConcern(w="majority", j=True)
        assert (client.write_concern, mongo.DURABLE) == (durable, durable)


def test_both_applications_can_be_served() -> None:
    """What is put under load is what is deployed, and a control that exists."""
    assert APPLICATIONS[DURABLE] == gunicorn_command()[-1]
    module, _, factory = APPLICATIONS[UNDURABLE].partition(":")
    assert callable(getattr(importlib.import_module(module), factory.removesuffix("()")))


def test_every_kind_of_goods_is_asked_for() -> None:
    """No shelf is filled in vain or looked for in vain, and carts find two products."""
    assert SHARES.keys() == RANGE.keys()
    assert RANGE[IN_CARTS][0] >= 2


def test_wishes_are_sent_as_the_contract_says() -> None:
    """Alone or in a cart, a wish has its key in the header."""
    cart, order = Cart("k", ("1", "2"), 3), Order("k", "1", 3)
    assert cart.headers == order.headers == {"Idempotency-Key": "k"}
    assert [line["quantity"] for line in cart.body["lines"]] == [3, 3]


def test_a_device_tells_what_it_has_written() -> None:
    """It is the seventh of the kernel's figures."""
    stat = "      59        0     2110        5       11        8       38        3        0\n"
    assert sectors_written(stat) == 38


def test_a_state_is_found_behind_any_name() -> None:
    """The name of a thread may look like what follows it."""
    assert state_of("17 (a) R (b) T 1 17 17 0 -1") == "T"


def test_who_may_not_mount_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without root there is a sentence, and nothing is begun."""
    monkeypatch.setattr(os, "geteuid", lambda: 1_000)
    with pytest.raises(LocalError, match="needs root"):
        prepare()
