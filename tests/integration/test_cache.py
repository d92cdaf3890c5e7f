"""The versioned store on a real Valkey: late, stale, lost and broken values never come back."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from redis import Redis

from inventory import limits
from inventory.cache import connection
from inventory.cache import store as store_module
from inventory.cache.connection import Connection, Unreachable
from inventory.cache.decorator import Found, cached, fetch_together, load_together
from inventory.cache.leases import Lease
from inventory.cache.store import Glimpse, VersionedStore
from inventory.cache.values import PREFIX, Versioned
from inventory.errors import StorageUnavailable
from inventory.settings import Settings

KEY = PREFIX + "thing:a"
TTL = 60.0
Open = Callable[[], VersionedStore]


@pytest.fixture(name="open_store")
def _open_store(settings: Settings) -> Iterator[Open]:
    """Open the store as another process would; the first use of each is over already."""
    opened: list[VersionedStore] = []

    def open_store() -> VersionedStore:
        way = Connection(connection.connect(settings))
        fresh = VersionedStore(way)
        opened.append(fresh)
        fresh.fetch([KEY])
        return fresh

    yield open_store
    for store in opened:
        store.close()


@pytest.fixture(name="store")
def _store(open_store: Open) -> VersionedStore:
    return open_store()


def offer(store: VersionedStore, version: int, seen: Glimpse | None = None) -> None:
    """Publish `version` of the thing, read after `seen` or right now."""
    value = Versioned(version, b"v%d" % version)
    store.publish({KEY: (value, TTL)}, seen or store.glimpse())


def held(store: VersionedStore) -> int | None:
    """Return the version that a reader sees."""
    (value,) = store.fetch([KEY])
    assert value is None or value.body == b"v%d" % value.version
    return None if value is None else value.version


def test_newer_replaces_older_and_never_the_other_way(store: VersionedStore) -> None:
    """Whatever the order of arrival, the newest version stays."""
    for version in (2, 1, 3, 2):
        offer(store, version)
    assert held(store) == 3


def test_an_invalidation_is_a_floor(store: VersionedStore) -> None:
    """After an invalidation nothing older is taken; the version itself or a newer one is."""
    offer(store, 1)
    store.publish({KEY: (Versioned(5, b""), TTL)}, store.glimpse())
    assert held(store) is None
    offer(store, 4)
    assert held(store) is None
    offer(store, 5)
    assert held(store) == 5


def test_a_value_that_comes_too_late_is_refused(store: VersionedStore) -> None:
    """What was read longer ago than anything lives could be old, so it leaves only a floor."""
    seen = store.glimpse()
    frozen = Glimpse(seen.epoch, seen.redis_seconds - limits.PUBLISH_AGE_SECONDS_MAX - 1)
    offer(store, 1, frozen)
    assert held(store) is None
    offer(store, 1)
    assert held(store) == 1


def test_a_late_newer_value_hides_an_older_one(store: VersionedStore) -> None:
    """A late writer cannot publish, but what is older than its write may not be read either."""
    offer(store, 1)
    seen = store.glimpse()
    late = Glimpse(seen.epoch, seen.redis_seconds - limits.PUBLISH_AGE_SECONDS_MAX - 1)
    offer(store, 2, late)
    assert held(store) is None


def test_a_new_process_believes_nothing(store: VersionedStore, open_store: Open) -> None:
    """A process that died may have left a write unpublished; its successor begins afresh."""
    offer(store, 1)
    newcomer = open_store()
    assert held(newcomer) is None
    assert held(store) is None


def test_a_value_of_an_older_epoch_does_not_count(store: VersionedStore, open_store: Open) -> None:
    """What somebody read before the epoch was renewed cannot enter the new one."""
    seen = store.glimpse()
    newcomer = open_store()
    offer(store, 1, seen)
    assert held(newcomer) is None
    offer(newcomer, 1)
    assert held(store) == held(newcomer) == 1


def test_flushing_redis_is_a_miss(store: VersionedStore, redis: Redis) -> None:
    """A Redis that lost everything is filled again, by whoever read after the loss."""
    offer(store, 1)
    seen = store.glimpse()
    redis.flushdb()
    assert held(store) is None
    offer(store, 1, seen)
    assert held(store) is None
    offer(store, 1)
    assert held(store) == 1


@pytest.mark.parametrize(
    "rubbish", [b"", b"x", b"::", b"a:b:c", b"\xff\x00" * 50, b'{"stock": 5}', b"0:99:old"]
)
def test_rubbish_is_a_miss(store: VersionedStore, redis: Redis, rubbish: bytes) -> None:
    """Whatever stands under a key that nobody of ours wrote is not believed, and is replaced."""
    redis.set(KEY, rubbish)
    assert held(store) is None
    offer(store, 1)
    assert held(store) == 1


def test_a_rubbish_epoch_is_renewed(store: VersionedStore, redis: Redis) -> None:
    """An epoch that nobody of ours wrote would let old values pass; it is replaced at once."""
    offer(store, 2)
    redis.set(PREFIX + "epoch", "not:hex")
    assert held(store) is None
    offer(store, 2)
    offer(store, 1)
    assert held(store) == 2


def test_a_value_of_another_type_is_a_miss(store: VersionedStore, redis: Redis) -> None:
    """A key of the wrong type is not believed either, and is replaced."""
    redis.lpush(KEY, "x")
    assert held(store) is None
    offer(store, 1)
    assert held(store) == 1


def test_values_expire_with_jitter(store: VersionedStore, redis: Redis) -> None:
    """Values live at most as long as they were given, and not all equally long."""
    keys = [f"{KEY}{number}" for number in range(20)]
    values = {key: (Versioned(1, b"v"), TTL) for key in keys}
    store.publish(values, store.glimpse())
    lives = {redis.pttl(key) for key in keys}
    assert len(lives) > 5
    assert max(lives) <= TTL * 1000
    assert min(lives) > TTL * 750


def test_renewing_a_key_outdates_what_carries_its_value(store: VersionedStore) -> None:
    """A renewed key has another value, which every process sees."""
    first = store.renew(KEY, TTL)
    (seen,) = store.fetch([KEY])
    second = store.renew(KEY, TTL)
    (now,) = store.fetch([KEY])
    assert (seen and seen.body, now and now.body) == (first, second)
    assert first != second


def broken(command: object, *, urgent: bool = False) -> None:
    raise Unreachable


def test_a_lost_publication_outdates_everything(
    store: VersionedStore, open_store: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who could not tell Redis of a newer value lets nobody read the older one any more."""
    other = open_store()
    store.fetch([KEY])
    offer(store, 1)
    assert held(other) == 1
    with monkeypatch.context() as patch:
        patch.setattr(store.connection, "call", broken)
        offer(store, 2)
        assert held(store) is None
    store.fetch([KEY])
    assert held(other) is None
    offer(store, 2)
    assert held(other) == 2


def test_a_lost_publication_is_made_good_in_the_background(
    store: VersionedStore, open_store: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others need not wait for the loser's next request: it goes on trying by itself."""
    other = open_store()
    store.fetch([KEY])
    offer(store, 1)
    with monkeypatch.context() as patch:
        patch.setattr(store.connection, "call", broken)
        offer(store, 2)
    deadline = time.monotonic() + 10
    while held(other) is not None:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_lost_offer_outdates_nothing(
    store: VersionedStore, open_store: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who only read something and could not cache it has done no harm."""
    other = open_store()
    store.fetch([KEY])
    offer(store, 1)
    with monkeypatch.context() as patch:
        patch.setattr(store.connection, "call", broken)
        store.offer({KEY: (Versioned(1, b"v1"), TTL)}, store.glimpse())
    store.fetch([KEY])
    assert held(other) == 1


def test_a_lost_renewal_outdates_everything(
    store: VersionedStore, open_store: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same holds for a key that could not be renewed."""
    other = open_store()
    store.fetch([KEY])
    offer(store, 1)
    with monkeypatch.context() as patch:
        patch.setattr(store.connection, "call", broken)
        store.renew(PREFIX + "generation", TTL)
    store.fetch([KEY])
    assert held(other) is None


class TestConnection:
    """The guarded way to a Redis that is away."""

    def test_switched_off(self, settings: Settings) -> None:
        """With Redis switched off every call is refused at once, and nothing is counted."""
        assert connection.connect(Settings(redis_url="off")) is None
        with pytest.raises(Unreachable):
            Connection(None).call(lambda client: client.ping())

    def test_breaker(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """After some failures nobody asks for a while, then one caller tries."""
        client = connection.connect(Settings(redis_url="redis://127.0.0.1:1/0"))
        counts: Counter[str] = Counter()
        way = Connection(client, lambda event, times: counts.update({event: times}))
        for _ in range(limits.BREAKER_FAILURES + 5):
            assert not way.available()
        assert counts["redis_failed"] == limits.BREAKER_FAILURES
        assert counts["redis_skipped"] == 5
        now = time.monotonic() + limits.BREAKER_OPEN_SECONDS
        monkeypatch.setattr(time, "monotonic", lambda: now)
        assert [way.available(), way.available()] == [False, False]
        assert counts["redis_failed"] == limits.BREAKER_FAILURES + 1
        way.close()

    def test_recovery(self, settings: Settings) -> None:
        """A Redis that answers again is used again."""
        counts: Counter[str] = Counter()
        way = Connection(
            connection.connect(settings), lambda event, times: counts.update({event: times})
        )
        way._failures = limits.BREAKER_FAILURES
        way._open_until = 0.0
        assert way.available()
        assert way.available()
        assert not counts
        way.close()


class Reads:
    """Something with a cached method, and a database that a test can look into."""

    def __init__(self, store: VersionedStore) -> None:
        self.store = store
        self.asked: list[list[str]] = []
        self.delay = 0.0
        self.problem: Exception | None = None
        self.broken: str | None = None
        self.rows: dict[str, Versioned] = {"a": Versioned(1, b"one")}

    @cached("thing:{name}", ttl_seconds=TTL)
    def thing(self, names: Sequence[str]) -> dict[str, Versioned]:
        """Read things."""
        self.asked.append([*names])
        time.sleep(self.delay)
        if self.problem is not None:
            raise self.problem
        if self.broken in names:
            raise ValueError(f"{self.broken} makes no sense")
        return {name: self.rows[name] for name in names if name in self.rows}


class TestDecorator:
    """`@cached` on a method."""

    def test_second_read_is_a_hit(self, store: VersionedStore) -> None:
        """The database is asked once, then Redis knows."""
        reads = Reads(store)
        assert [reads.thing("a"), reads.thing("a")] == [Versioned(1, b"one")] * 2
        assert reads.asked == [["a"]]

    def test_nothing_is_cached_until_there_is_something(self, store: VersionedStore) -> None:
        """What is not there is asked for once; whoever makes it, is believed at once."""
        reads = Reads(store)
        assert [reads.thing("b"), reads.thing("b")] == [None, None]
        assert reads.asked == [["b"]]
        reads.thing.publish({"b": Versioned(1, b"two")}, store.glimpse())
        assert reads.thing("b") == Versioned(1, b"two")

    def test_what_is_buried_is_gone_for_good(self, store: VersionedStore) -> None:
        """After a deletion readers know that there is nothing, and no late reader revives it."""
        reads = Reads(store)
        seen = store.glimpse()
        reads.thing.bury("a", version=2)
        reads.thing.publish({"a": Versioned(1, b"one")}, seen)
        assert fetch_together([(reads.thing, "a")]) == [Found(None, True)]
        assert reads.asked == []

    @pytest.mark.alone
    def test_a_crowd_that_misses_asks_once(self, store: VersionedStore, open_store: Open) -> None:
        """Of 200 readers of one missing value in two processes, one asks the database."""
        crowds = [Reads(store), Reads(open_store())]
        store.fetch([KEY])
        for reads in crowds:
            reads.delay = 0.05
        with ThreadPoolExecutor(200) as pool:
            calls = [pool.submit(reads.thing, "a") for reads in crowds for _ in range(100)]
        assert {call.result() for call in calls} == {Versioned(1, b"one")}
        assert sum(len(reads.asked) for reads in crowds) == 1

    def test_what_is_missed_together_is_loaded_together(self, store: VersionedStore) -> None:
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

    def test_what_could_not_be_loaded_is_left_to_the_next_one(self, store: VersionedStore) -> None:
        """Who failed returns the task at once, and every reader of that query hears of it."""
        reads = Reads(store)
        reads.problem = StorageUnavailable()
        with pytest.raises(StorageUnavailable):
            fetch_together([(reads.thing, "a"), (reads.thing, "b")])
        known, leases = store.leases.take([reads.thing.key("a"), reads.thing.key("b")])
        assert (len(known), len(leases)) == (0, 2)

    def test_what_makes_no_sense_fails_its_own_readers_only(self, store: VersionedStore) -> None:
        """Whoever shared a query with something broken asks once more, alone."""
        reads = Reads(store)
        reads.broken = "b"
        reads.delay = 0.2
        with ThreadPoolExecutor(3) as pool:
            first = pool.submit(reads.thing, "c")
            while not reads.asked:
                time.sleep(0.001)
            sound, broken = pool.submit(reads.thing, "a"), pool.submit(reads.thing, "b")
        assert (first.result(), sound.result()) == (None, Versioned(1, b"one"))
        with pytest.raises(ValueError, match="b makes no sense"):
            broken.result()
        assert sorted(reads.asked[1]) == ["a", "b"]

    def test_a_fresh_read_asks_the_database_and_tells_redis(self, store: VersionedStore) -> None:
        """What Redis knows does not matter to it, and is replaced."""
        reads = Reads(store)
        reads.thing("a")
        reads.rows["a"] = Versioned(2, b"two")
        assert load_together([(reads.thing, "a"), (reads.thing, "b")]) == [reads.rows["a"], None]
        assert store.fetch([reads.thing.key("a")]) == [Versioned(2, b"two")]

    def test_a_lease_that_nobody_returns_runs_out(self, store: VersionedStore) -> None:
        """Who was given the task and died keeps the others waiting for a moment only."""
        reads = Reads(store)
        assert isinstance(store.leases.await_or_take(reads.thing.key("a")), Lease)
        assert reads.thing("a") == Versioned(1, b"one")

    def test_key_and_invalidation_agree(self, store: VersionedStore) -> None:
        """`.key` names what a call stores, and `.invalidate` with the same arguments undoes it."""
        reads = Reads(store)
        reads.thing("a")
        assert store.fetch([reads.thing.key("a")]) == [Versioned(1, b"one")]
        reads.rows["a"] = Versioned(2, b"two")
        reads.thing.invalidate("a", version=2)
        assert reads.thing("a") == Versioned(2, b"two")

    def test_reads_together_say_which_were_hits(self, store: VersionedStore) -> None:
        """Several reads in one round trip are each answered from where they are known."""
        reads = Reads(store)
        reads.thing("a")
        found = fetch_together([(reads.thing, "a"), (reads.thing, "b")])
        assert found == [Found(Versioned(1, b"one"), True), Found(None, False)]

    @pytest.mark.parametrize("template", ["things", "thing:{name}:{size}"])
    def test_a_template_names_one_thing(self, template: str) -> None:
        """A key that forgot what it is of would mix things up, so it is refused at decoration."""
        with pytest.raises(TypeError, match="must name one thing"):
            cached(template, ttl_seconds=TTL)


def test_the_script_is_loaded_again_after_it_was_lost(store: VersionedStore, redis: Redis) -> None:
    """A Redis that restarted does not know the script; it is sent once more."""
    redis.script_flush()
    offer(store, 1)
    assert held(store) == 1
    assert redis.script_exists(store_module._PUBLISH_DIGEST) == [True]
