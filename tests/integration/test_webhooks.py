"""What subscribers may rely on: every event, signed, in the order of its product, and no flood."""

import itertools
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from pymongo import MongoClient

from inventory import limits
from inventory.domain.events import EventType
from inventory.domain.webhooks import Webhook, WebhookState
from inventory.repository import mongo
from inventory.repository.mongo import Document
from inventory.repository.webhooks import Held, WebhookRepository
from inventory.settings import Settings
from tests.api.support import until
from tests.integration.webhook_receivers import Message, Receiver, Reply
from tests.integration.webhook_stage import PACE, Stage, product_ids, staged

MakeReceiver = Callable[..., Receiver]


@pytest.fixture(name="stage")
def _stage(settings: Settings, _database_client: MongoClient[Document]) -> Iterator[Stage]:
    with staged(settings, mongo.open_database(_database_client, settings)) as stage:
        yield stage


@pytest.fixture(name="receiver")
def _receiver() -> Iterator[MakeReceiver]:
    """Start receivers that answer as told."""
    started: list[Receiver] = []

    def start(answer: Callable[[Message], Reply] = lambda _: 204) -> Receiver:
        started.append(Receiver(answer))
        return started[-1]

    yield start
    for receiver in started:
        receiver.stop()


def subscribed(stage: Stage, receiver: Receiver, *types: EventType) -> Webhook:
    """Let a receiver be told of events from now on."""
    return stage.webhooks.register(receiver.url, types)


def test_every_event_arrives_signed(stage: Stage, receiver: MakeReceiver) -> None:
    """A subscriber gets what happens from then on, of its types, in the form it was promised."""
    stage.happen(*product_ids(2))
    everything, some = receiver(), receiver()
    all_types = subscribed(stage, everything)
    subscribed(stage, some, EventType.STOCK_OUT)
    bought = stage.happen(*product_ids(3), price="1.90")
    (out,) = stage.happen(*product_ids(1), type=EventType.STOCK_OUT)
    stage.deliverer()
    until(lambda: len(everything.taken) == 4 and len(some.taken) == 1, 30)
    assert {message.id for message in everything.taken} == {e.id for e in (*bought, out)}
    (message,) = some.taken
    assert message.body == {
        "id": out.id,
        "type": "stock.out",
        "timestamp": out.occurred_at.isoformat().replace("+00:00", ".000Z"),
        "sequence": out.sequence,
        "product_id": out.product_id,
        "data": {"quantity": 1},
    }
    secret = all_types.secrets[0].value
    assert all(one.is_signed_with(secret) for one in everything.taken)
    assert not message.is_signed_with(secret)
    until(lambda: stage.states(all_types) == ["delivered"] * 4)


def test_a_products_events_arrive_in_order(stage: Stage, receiver: MakeReceiver) -> None:
    """However often and whichever of them fail, those of one product never overtake each other."""
    chance = random.Random(20)  # noqa: S311 - the same each time is what is wanted

    def moody(_: Message) -> Reply:
        return chance.choice((204, 200, 500, 404, 302, 429))

    endpoint = receiver(moody)
    # It fails often enough for a delivery to fail in the end, if there were few attempts.
    pace = replace(PACE, retry_seconds=(0.01,) * 60)
    webhook = subscribed(stage, endpoint)
    products = product_ids(6)
    events = stage.happen(*products * 8)
    stage.deliverer(pace)
    until(lambda: sum(map(len, endpoint.first_taken().values())) == len(events), 60)
    expected = {p: [e.sequence for e in events if e.product_id == p] for p in products}
    assert endpoint.first_taken() == expected
    assert max(Counter(message.id for message in endpoint.taken).values()) == 1
    until(lambda: set(stage.states(webhook)) == {"delivered"})


def test_a_stuck_product_holds_up_no_other(stage: Stage, receiver: MakeReceiver) -> None:
    """What fails waits for its time, and its product with it; more stuck ones than there are lanes
    leave room for the others, and after enough attempts the next event has its turn."""
    stuck, well = product_ids(30)[:20], product_ids(30)[20:]
    endpoint = receiver(lambda message: 500 if message.body["data"]["poison"] else 204)
    webhook = subscribed(stage, endpoint)
    poison = stage.happen(*stuck, poison=True)
    after = stage.happen(*stuck, *well, poison=False)
    patient = stage.deliverer(replace(PACE, retry_seconds=(3_600,)))
    until(lambda: endpoint.first_taken().keys() == set(well), 30)
    until(lambda: len({m.id for m in endpoint.came}) == len(poison) + len(well), 30)
    patient.stop()
    assert Counter(stage.states(webhook)) == {"waiting": 40, "delivered": 10}
    stage.database["webhook_deliveries"].update_many({}, {"$set": {"next_at": stage.clock.now()}})
    stage.deliverer(replace(PACE, retry_seconds=(0.01,)))
    until(lambda: len(endpoint.taken) == len(after), 30)
    until(lambda: Counter(stage.states(webhook)) == {"failed": 20, "delivered": 30})


def test_who_is_paused_waits(stage: Stage, receiver: MakeReceiver) -> None:
    """Nothing is sent to a paused endpoint; when it is resumed it goes on where it stopped."""
    endpoint = receiver()
    webhook = subscribed(stage, endpoint)
    stage.webhooks.edit(webhook.id, {"state": WebhookState.PAUSED})
    events = stage.happen(*product_ids(2) * 3)
    stage.deliverer()
    until(lambda: stage.states(webhook) == ["waiting"] * 6, 30)
    assert endpoint.came == []
    assert stage.webhooks.load().waiting == 6
    assert stage.webhooks.load().webhooks == {WebhookState.ACTIVE: 0, WebhookState.PAUSED: 1}
    stage.webhooks.edit(webhook.id, {"state": WebhookState.ACTIVE})
    until(lambda: len(endpoint.taken) == 6, 30)
    odd, even = endpoint.first_taken().values()
    assert sorted(odd + even) == [event.sequence for event in events]
    assert (odd, even) == (sorted(odd), sorted(even))
    until(lambda: stage.webhooks.load().waiting == 0)
    assert stage.webhooks.load().oldest_waiting_seconds == 0
    until(lambda: stage.webhooks.load().attempts == {"delivered": 6, "failed": 0})


def test_who_is_gone_is_paused(stage: Stage, receiver: MakeReceiver) -> None:
    """410 pauses an endpoint at once; what it refused is still there when it is resumed."""
    gone = threading.Event()
    gone.set()
    endpoint = receiver(lambda _: 410 if gone.is_set() else 204)
    webhook = subscribed(stage, endpoint)
    stage.happen(product_ids(1)[0])
    stage.deliverer()
    until(lambda: stage.webhooks.get(webhook.id).state is WebhookState.PAUSED, 30)
    paused = stage.webhooks.get(webhook.id)
    assert (paused.paused_reason, len(endpoint.came)) == ("gone", 1)
    gone.clear()
    resumed = stage.webhooks.edit(webhook.id, {"state": WebhookState.ACTIVE})
    assert (resumed.paused_reason, resumed.paused_at) == (None, None)
    until(lambda: len(endpoint.taken) == 1, 30)


def test_who_is_dead_is_paused(stage: Stage, receiver: MakeReceiver) -> None:
    """An endpoint that took nothing for long enough, often enough, is paused; one that sometimes
    takes something is not."""
    turns = itertools.count()
    dead, moody = receiver(lambda _: 500), receiver(lambda _: 500 if next(turns) % 2 else 204)
    a, b = subscribed(stage, dead), subscribed(stage, moody)
    pace = replace(PACE, dead_seconds=0.1, dead_attempts=5, retry_seconds=(0.05,) * 2)
    stage.happen(*product_ids(2) * 10)
    stage.deliverer(pace)
    until(lambda: stage.webhooks.get(a.id).state is WebhookState.PAUSED, 30)
    until(lambda: "waiting" not in stage.states(b), 30)
    paused = stage.webhooks.get(a.id)
    assert paused.paused_reason == "failing"
    assert paused.failed_attempts >= 5
    assert "waiting" in stage.states(a)
    assert stage.webhooks.get(b.id).paused_reason is None


def test_redelivery(stage: Stage, receiver: MakeReceiver) -> None:
    """What was delivered or has failed can be sent again, under the same id, past what is stuck."""
    refusing = threading.Event()
    endpoint = receiver(lambda _: 500 if refusing.is_set() else 204)
    webhook = subscribed(stage, endpoint)
    (product,) = product_ids(1)
    (first,) = stage.happen(product)
    stage.deliverer(replace(PACE, retry_seconds=(3_600,)))
    until(lambda: stage.states(webhook) == ["delivered"], 30)
    refusing.set()
    stage.happen(product)
    until(lambda: len(endpoint.came) == 2, 30)
    refusing.clear()
    (done,) = [one for one in stage.deliveries(webhook) if one.event_id == first.id]
    again = stage.webhooks.redeliver(webhook.id, done.id)
    assert (again.state, again.id) == ("waiting", done.id)
    until(lambda: [message.id for message in endpoint.taken] == [first.id] * 2, 30)
    assert endpoint.taken[0].raw == endpoint.taken[1].raw
    until(lambda: stage.webhooks.delivery(webhook.id, done.id).state == "delivered")
    assert len(stage.webhooks.delivery(webhook.id, done.id).attempts) == 2
    # What waits does not wait any longer if it is asked for.
    (stuck,) = [one for one in stage.deliveries(webhook) if one.event_id != first.id]
    stage.webhooks.redeliver(webhook.id, stuck.id)
    until(lambda: stage.states(webhook) == ["delivered"] * 2, 30)


def test_secrets_are_rotated(stage: Stage, receiver: MakeReceiver) -> None:
    """For a day after a rotation messages are signed with both secrets, later with the new one."""
    endpoint = receiver()
    webhook = subscribed(stage, endpoint)
    old = webhook.secrets[0].value
    changed = stage.webhooks.rotate(webhook.id)
    new = changed.secrets[0].value
    assert old != new
    stage.webhooks.test(webhook.id)
    stage.deliverer()
    until(lambda: len(endpoint.taken) == 1, 30)
    (message,) = endpoint.taken
    assert (message.is_signed_with(new), message.is_signed_with(old)) == (True, True)
    assert message.body["type"] == "test.ping"
    now = stage.clock.now()
    assert changed.signing_secrets(now) == [new, old]
    assert changed.signing_secrets(now + timedelta(days=1, seconds=1)) == [new]
    for _ in range(5):
        changed = stage.webhooks.rotate(webhook.id)
    assert len(changed.secrets) == limits.WEBHOOK_SECRETS_MAX


def test_deliverers_share(stage: Stage, receiver: MakeReceiver) -> None:
    """Endpoints are divided among those who deliver; who stops hands his over at once."""
    endpoint = receiver()
    webhooks = [subscribed(stage, endpoint) for _ in range(5)]
    first = stage.deliverer()
    until(lambda: owners(stage, webhooks) == {first.owner: 5}, 30)
    second = stage.deliverer()
    until(lambda: sorted(owners(stage, webhooks).values()) == [2, 3], 30)
    stage.happen(*product_ids(2))
    until(lambda: len(endpoint.taken) == 10, 30)
    first.stop()
    assert first.owner not in owners(stage, webhooks)
    until(lambda: owners(stage, webhooks) == {second.owner: 5}, 30)
    stage.happen(*product_ids(2))
    until(lambda: len(endpoint.taken) == 20, 30)
    assert len({(m.id, m.headers["webhook-signature"]) for m in endpoint.taken}) == 20


def owners(stage: Stage, webhooks: list[Webhook]) -> dict[str, int]:
    """Return how many of the endpoints are whose."""
    return Counter(owner for w in webhooks if (owner := stage.lease_of(w)["owner"]))


def test_a_lease_is_one_persons(stage: Stage, receiver: MakeReceiver) -> None:
    """Nobody takes a lease that lasts; who lost one moves no cursor any more."""
    webhook = subscribed(stage, receiver())
    repository = WebhookRepository(stage.database)
    held = repository.take("slow", 3.0, ())
    assert held is not None
    assert repository.take("quick", 60, ()) is None
    stage.happen(*product_ids(3))
    taken: list[Held] = []

    def take() -> bool:
        if (next_one := repository.take("quick", 60, ())) is not None:
            taken.append(next_one)
        return bool(taken)

    until(take)
    assert taken[0].token == held.token + 1
    assert not repository.advance(webhook.id, held.token, 2)
    assert repository.advance(webhook.id, taken[0].token, 1)
    assert stage.webhooks.get(webhook.id).cursor == 1
    assert repository.renew("slow", 60) == []
    repository.give_back(webhook.id, "slow")
    assert stage.lease_of(webhook)["owner"] == "quick"


def test_who_cannot_finish_in_time_does_not_begin(stage: Stage, receiver: MakeReceiver) -> None:
    """Nothing is sent under a lease that may end before the send does."""
    endpoint = receiver()
    webhook = subscribed(stage, endpoint)
    stage.happen(*product_ids(3))
    stage.deliverer(replace(PACE, lease_seconds=PACE.send_seconds))
    until(lambda: stage.states(webhook) == ["waiting"] * 3, 30)
    assert endpoint.came == []


def test_a_deleted_webhook_is_served_no_longer(stage: Stage, receiver: MakeReceiver) -> None:
    """Who was deleted is sent nothing, and nothing is kept of what he was sent."""
    endpoint = receiver()
    webhook = subscribed(stage, endpoint)
    stage.happen(*product_ids(2))
    deliverer = stage.deliverer()
    until(lambda: stage.states(webhook) == ["delivered"] * 2, 30)
    stage.webhooks.remove(webhook.id)
    until(lambda: not deliverer._services)
    stage.happen(*product_ids(2))
    assert stage.database["webhook_deliveries"].count_documents({}) == 0
    assert len(endpoint.came) == 2


def test_a_lane_costs_no_more_the_more_wait_in_it(stage: Stage, receiver: MakeReceiver) -> None:
    """To find what is due one delivery of each product is looked at, not all of them."""
    webhook = subscribed(stage, receiver())
    stage.webhooks.edit(webhook.id, {"state": WebhookState.PAUSED})
    stage.happen(*product_ids(3) * 40)
    stage.deliverer()
    until(lambda: stage.states(webhook) == ["waiting"] * 120, 30)
    stage.close()
    stage.database.command("profile", 2)
    try:
        stage.webhooks.edit(webhook.id, {"state": WebhookState.ACTIVE})
        stage.deliverer()
        until(lambda: set(stage.states(webhook)) == {"delivered"}, 60)
    finally:
        stage.database.command("profile", 0)
    looked = list(stage.database["system.profile"].find({"command.aggregate": {"$exists": True}}))
    found = [one for one in looked if one["ns"].endswith(".webhook_deliveries")]
    stage.database["system.profile"].drop()
    assert found
    assert max(one["docsExamined"] for one in found) <= 3
