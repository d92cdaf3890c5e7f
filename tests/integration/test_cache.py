"""The versioned store on a real Valkey: late, stale, lost and broken values never come back."""

import time
from collections import Counter

import pytest
from redis import Redis

from inventory import limits
from inventory.cache import connection
from inventory.cache import store as store_module
from inventory.cache.connection import Connection, Unreachable
from inventory.cache.store import Glimpse, VersionedStore
from inventory.cache.values import PREFIX, Versioned
from inventory.settings import Settings
from tests.integration.conftest import OpenStore

KEY = PREFIX + "thing:a"
TTL = 60.0


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


def test_a_new_process_believes_nothing(store: VersionedStore, open_store: OpenStore) -> None:
    """A process that died may have left a write unpublished; its successor begins afresh."""
    offer(store, 1)
    newcomer = open_store()
    assert held(newcomer) is None
    assert held(store) is None


def test_a_value_of_an_older_epoch_does_not_count(
    store: VersionedStore, open_store: OpenStore
) -> None:
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
    store: VersionedStore, open_store: OpenStore, monkeypatch: pytest.MonkeyPatch
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
    store: VersionedStore, open_store: OpenStore, monkeypatch: pytest.MonkeyPatch
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


def test_a_publication_that_is_lost_while_another_is_made_good(
    store: VersionedStore, open_store: OpenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new epoch that was begun for the first one says nothing of the second."""
    other = open_store()
    store.fetch([KEY])
    renew = store._renew_epoch

    def lose(version: int) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(store.connection, "call", broken)
            offer(store, version)

    def renew_meanwhile(*, urgent: bool = False) -> bytes:
        monkeypatch.setattr(store, "_renew_epoch", renew)
        epoch = renew(urgent=urgent)
        # Before this process knows that it has been renewed.
        other.fetch([KEY])
        offer(other, 1)
        assert held(other) == 1
        lose(2)
        return epoch

    monkeypatch.setattr(store, "_heal_soon", lambda: None)
    lose(1)
    monkeypatch.setattr(store, "_renew_epoch", renew_meanwhile)
    store.fetch([KEY])
    store.fetch([KEY])
    assert held(other) is None


def test_who_lost_a_publication_takes_no_value_for_granted(
    store: VersionedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does it while it looks for others who are loading a value."""
    offer(store, 1)
    monkeypatch.setattr(store, "_heal_soon", lambda: None)
    with monkeypatch.context() as patch:
        patch.setattr(store.connection, "call", broken)
        offer(store, 2)
    known, leases = store.leases.take([KEY])
    assert (known, list(leases)) == ({}, [KEY])


def test_a_lost_offer_outdates_nothing(
    store: VersionedStore, open_store: OpenStore, monkeypatch: pytest.MonkeyPatch
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
    store: VersionedStore, open_store: OpenStore, monkeypatch: pytest.MonkeyPatch
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

    @pytest.mark.usefixtures("patience")
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


def test_the_script_is_loaded_again_after_it_was_lost(store: VersionedStore, redis: Redis) -> None:
    """A Redis that restarted does not know the script; it is sent once more."""
    redis.script_flush()
    offer(store, 1)
    assert held(store) == 1
    assert redis.script_exists(store_module._PUBLISH_DIGEST) == [True]
