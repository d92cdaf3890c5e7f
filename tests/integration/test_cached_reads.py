"""`@cached` on a real Valkey: what is missed is loaded once and together, and shown as it is."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from inventory.cache.decorator import Found, cached, fetch_together, load_once, load_together
from inventory.cache.leases import Lease
from inventory.cache.store import VersionedStore
from inventory.cache.values import Versioned
from inventory.errors import StorageUnavailable
from tests.integration.conftest import OpenStore

TTL = 60.0


class Reads:
    """Something with a cached method, and a database that a test can look into."""

    def __init__(self, store: VersionedStore) -> None:
        self.store = store
        self.asked: list[list[str]] = []
        self.delay = 0.0
        self.go = threading.Event()
        self.go.set()
        self.problem: Exception | None = None
        self.broken: str | None = None
        self.rows: dict[str, Versioned] = {"a": Versioned(1, b"one")}

    @cached("thing:{name}", ttl_seconds=TTL)
    def thing(self, names: Sequence[str]) -> dict[str, Versioned]:
        """Read things."""
        self.asked.append([*names])
        assert self.go.wait(30)
        time.sleep(self.delay)
        if self.problem is not None:
            raise self.problem
        if self.broken in names:
            raise ValueError(f"{self.broken} makes no sense")
        return {name: self.rows[name] for name in names if name in self.rows}


def test_second_read_is_a_hit(store: VersionedStore) -> None:
    """The database is asked once, then Redis knows."""
    reads = Reads(store)
    assert [reads.thing("a"), reads.thing("a")] == [Versioned(1, b"one")] * 2
    assert reads.asked == [["a"]]


def test_nothing_is_cached_until_there_is_something(store: VersionedStore) -> None:
    """What is not there is asked for once; whoever makes it, is believed at once."""
    reads = Reads(store)
    assert [reads.thing("b"), reads.thing("b")] == [None, None]
    assert reads.asked == [["b"]]
    reads.thing.publish({"b": Versioned(1, b"two")}, store.glimpse())
    assert reads.thing("b") == Versioned(1, b"two")


def test_what_is_buried_is_gone_for_good(store: VersionedStore) -> None:
    """After a deletion readers know that there is nothing, and no late reader revives it."""
    reads = Reads(store)
    seen = store.glimpse()
    reads.thing.bury("a", version=2)
    reads.thing.publish({"a": Versioned(1, b"one")}, seen)
    assert fetch_together([(reads.thing, "a")]) == [Found(None, True)]
    assert reads.asked == []


def test_what_is_buried_in_an_epoch_that_nobody_told_of(
    store: VersionedStore, open_store: OpenStore
) -> None:
    """Readers know that there is nothing though another process has renewed the epoch meanwhile."""
    reads = Reads(store)
    reads.thing("a")
    open_store()
    reads.thing.bury("a", version=2)
    assert fetch_together([(reads.thing, "a")]) == [Found(None, True)]


@pytest.mark.alone
def test_a_crowd_that_misses_asks_once(store: VersionedStore, open_store: OpenStore) -> None:
    """Of 200 readers of one missing value in two processes, one asks the database."""
    crowds = [Reads(store), Reads(open_store())]
    store.fetch([crowds[0].thing.key("a")])
    for reads in crowds:
        reads.delay = 0.05
    with ThreadPoolExecutor(200) as pool:
        calls = [pool.submit(reads.thing, "a") for reads in crowds for _ in range(100)]
    assert {call.result() for call in calls} == {Versioned(1, b"one")}
    assert sum(len(reads.asked) for reads in crowds) == 1


def test_what_is_missed_together_is_loaded_together(store: VersionedStore) -> None:
    """Readers of different things share the queries too, and each gets its own."""
    reads = Reads(store)
    reads.delay = 0.05
    names = [f"t{number}" for number in range(40)]
    reads.rows = {name: Versioned(1, name.encode()) for name in names}
    with ThreadPoolExecutor(40) as pool:
        found = dict(zip(names, pool.map(reads.thing, names), strict=True))
    assert found == reads.rows
    assert sorted(name for asked in reads.asked for name in asked) == sorted(names)
    assert len(reads.asked) < 10


def test_what_could_not_be_loaded_is_left_to_the_next_one(store: VersionedStore) -> None:
    """Who failed returns the task at once, and every reader of that query hears of it."""
    reads = Reads(store)
    reads.problem = StorageUnavailable()
    with pytest.raises(StorageUnavailable):
        fetch_together([(reads.thing, "a"), (reads.thing, "b")])
    known, leases = store.leases.take([reads.thing.key("a"), reads.thing.key("b")])
    assert (len(known), len(leases)) == (0, 2)


def test_a_value_that_redis_does_not_take_is_loaded_by_whoever_comes(
    store: VersionedStore,
) -> None:
    """Nobody waits for a value that will not be there: the task is returned."""
    reads = Reads(store)
    reads.thing.invalidate("a", version=2)
    assert reads.thing("a") == Versioned(1, b"one")
    known, leases = store.leases.take([reads.thing.key("a")])
    assert (len(known), len(leases)) == (0, 1)


def test_who_has_time_left_is_not_failed_by_who_has_none(store: VersionedStore) -> None:
    """The first to come may be at the end of its request, who joins it at the beginning."""
    begun, go = threading.Event(), threading.Event()

    def load(wanted: Sequence[str]) -> list[str]:
        begun.set()
        assert go.wait(5)
        if "late" in wanted:
            raise StorageUnavailable
        return [*wanted]

    with ThreadPoolExecutor(3) as pool:
        pool.submit(load_once, store, "t", ["before"], load)
        assert begun.wait(5)
        late = pool.submit(load_once, store, "t", ["late"], load)
        while "t" not in store.loads._gathered:
            time.sleep(0.001)
        early = pool.submit(load_once, store, "t", ["early"], load)
        while len(store.loads._gathered["t"].items) < 2:
            time.sleep(0.001)
        go.set()
        assert early.result() == ["early"]
        with pytest.raises(StorageUnavailable):
            late.result()


def test_what_makes_no_sense_fails_its_own_readers_only(store: VersionedStore) -> None:
    """Whoever shared a query with something broken asks once more, alone."""
    reads = Reads(store)
    reads.broken = "b"
    reads.go.clear()
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(reads.thing, "c")
        while not reads.asked:
            time.sleep(0.001)
        sound, broken = pool.submit(reads.thing, "a"), pool.submit(reads.thing, "b")
        while len(getattr(store.loads._gathered.get("missing"), "items", ())) < 2:
            time.sleep(0.001)
        reads.go.set()
    assert (first.result(), sound.result()) == (None, Versioned(1, b"one"))
    with pytest.raises(ValueError, match="b makes no sense"):
        broken.result()
    assert sorted(reads.asked[1]) == ["a", "b"]


def test_a_fresh_read_asks_the_database_and_tells_redis(store: VersionedStore) -> None:
    """What Redis knows does not matter to it, and is replaced."""
    reads = Reads(store)
    reads.thing("a")
    reads.rows["a"] = Versioned(2, b"two")
    assert load_together([(reads.thing, "a"), (reads.thing, "b")]) == [reads.rows["a"], None]
    assert store.fetch([reads.thing.key("a")]) == [Versioned(2, b"two")]


def test_a_lease_that_nobody_returns_runs_out(store: VersionedStore) -> None:
    """Who was given the task and died keeps the others waiting for a moment only."""
    reads = Reads(store)
    assert isinstance(store.leases.await_or_take(reads.thing.key("a")), Lease)
    assert reads.thing("a") == Versioned(1, b"one")


def test_key_and_invalidation_agree(store: VersionedStore) -> None:
    """`.key` names what a call stores, and `.invalidate` with the same arguments undoes it."""
    reads = Reads(store)
    reads.thing("a")
    assert store.fetch([reads.thing.key("a")]) == [Versioned(1, b"one")]
    reads.rows["a"] = Versioned(2, b"two")
    reads.thing.invalidate("a", version=2)
    assert reads.thing("a") == Versioned(2, b"two")


def test_reads_together_say_which_were_hits(store: VersionedStore) -> None:
    """Several reads in one round trip are each answered from where they are known."""
    reads = Reads(store)
    reads.thing("a")
    found = fetch_together([(reads.thing, "a"), (reads.thing, "b")])
    assert found == [Found(Versioned(1, b"one"), True), Found(None, False)]


@pytest.mark.parametrize("template", ["things", "thing:{name}:{size}"])
def test_a_template_names_one_thing(template: str) -> None:
    """A key that forgot what it is of would mix things up, so it is refused at decoration."""
    with pytest.raises(TypeError, match="must name one thing"):
        cached(template, ttl_seconds=TTL)
