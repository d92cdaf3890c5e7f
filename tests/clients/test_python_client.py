"""The client for Python, against the service: every operation, and losses on the way."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from inventory.local.servers import LOOPBACK, free_port
from inventory_client import (
    Attribute,
    AuthenticationRequired,
    CartLine,
    CommitExceedsHeld,
    CountLine,
    CustomerLimit,
    DuplicateSku,
    IdempotencyInProgress,
    IdempotencyKeyReused,
    InsufficientStock,
    InvalidApiKey,
    InventoryClient,
    InventoryError,
    Line,
    NoAnswer,
    Patience,
    Product,
    ProductNotFound,
    PurchaseLimitExceeded,
    RateLimited,
    ReservationExpired,
    SecretKeyRequired,
    StaleVersion,
    Unavailable,
    UnexpectedAnswer,
    Unreachable,
    ValidationFailed,
)
from tests.clients.conftest import HASTY, Behind, Service
from tests.integration.processes import eventually

Create = Callable[..., Product]
# A client that did not keep its time would wait at least as long as this.
ENDLESS_SECONDS = 20.0
# None of the losses of a flaky network is silence, so nothing has to time out.
UNHURRIED = replace(HASTY, deadline_seconds=90.0, attempt_seconds=90.0)
BRIEF = Patience(deadline_seconds=0.4, attempt_seconds=0.2, backoff_seconds=0.01)


def sold(shop: InventoryClient, product: Product) -> int:
    """Return how many purchases the ledger of a product has; nothing is wrong with its books."""
    assert shop.check_product(product.id).problems == ()
    return len(list(shop.list_movements(product.id, kind="purchase")))


def test_a_product_lives_its_life(shop: InventoryClient) -> None:
    """Created, found, edited by what was read, adjusted, deleted: exact all the way."""
    sku = f"A-{time.time_ns()}"
    limit = CustomerLimit(quantity=2, window_seconds=60)
    attributes: dict[str, Attribute] = {
        "size": 43,
        "weight": Decimal("0.25"),
        "new": True,
        "colour": "red",
    }
    product = shop.create_product(
        "Air Runner",
        Decimal("89.90"),
        5,
        sku=sku,
        tags=["sneaker"],
        attributes=attributes,
        max_per_customer=limit,
    )
    assert (product.price, product.stock, product.max_per_customer) == (Decimal("89.90"), 5, limit)
    assert product.attributes == attributes
    assert product.created_at.utcoffset() == timedelta(0)
    assert next(shop.list_products(sku=sku, fresh=True)) == product

    edited = shop.edit_product(product, price="79.90", sku=None, attributes={"colour": None})
    assert (edited.price, edited.sku, edited.version) == (Decimal("79.90"), None, 2)
    assert edited.attributes == {"size": 43, "weight": Decimal("0.25"), "new": True}
    with pytest.raises(StaleVersion) as stale:
        shop.edit_product(product, name="Too late")
    assert stale.value.current_version == 2

    movement = shop.adjust_stock(product.id, -2, "damaged", note="wet", expected_stock=5)
    assert (movement.delta, movement.balance, movement.reason) == (-2, 3, "damaged")
    assert [row.kind for row in shop.list_movements(product.id)] == ["adjustment", "opening"]
    assert shop.get_stock(product.id, as_of=edited.created_at).available == 5
    shop.delete_product(shop.get_product(product.id))
    with pytest.raises(ProductNotFound) as gone:
        shop.get_product(product.id)
    assert gone.value.product_ids == (product.id,)


def test_a_checkout_from_hold_to_return(shop: InventoryClient, create: Create) -> None:
    """Held, extended, bought in part, returned and counted; and a cart beside it."""
    shoes, laces = create(), create(stock=1)
    held = shop.hold_units([CartLine(product_id=shoes.id, quantity=3)], 60, customer_id="ann")
    assert shop.get_reservation(held.id) == held
    assert shop.extend_reservation(held.id, 600).expires_at > held.expires_at
    with pytest.raises(CommitExceedsHeld) as refused:
        shop.commit_reservation(held.id, [Line(product_id=shoes.id, quantity=4)])
    assert refused.value.lines[0].remaining == 3
    bought = shop.commit_reservation(held.id, [Line(product_id=shoes.id, quantity=2)])
    assert (bought.total, bought.reservation_id) == (Decimal("39.80"), held.id)
    assert (
        shop.release_reservation(
            shop.hold_units([CartLine(product_id=laces.id, quantity=1)], 60).id
        ).state
        == "released"
    )

    cart = shop.buy_cart(
        [CartLine(product_id=shoes.id, quantity=1), CartLine(product_id=laces.id, quantity=1)],
        reference="order 17",
    )
    assert shop.get_purchase(cart.id) == cart
    assert [p.id for p in shop.list_purchases(product_id=shoes.id, page_size=1)] == [
        cart.id,
        bought.id,
    ]
    returned = shop.return_units(cart.id, [Line(product_id=laces.id, quantity=1)], "too long")
    assert (returned.restocked, returned.lines[0].remaining) == (True, 0)
    taken = shop.post_stocktake([CountLine(product_id=shoes.id, counted=4)])
    assert (taken.lines[0].expected, taken.lines[0].difference) == (2, 2)
    assert shop.check_product(shoes.id).problems == ()
    assert shop.check_all().checked > 0
    assert shop.get_readiness().mongodb == shop.get_health().status == "ok"


def test_refusals_are_typed(shop: InventoryClient, create: Create) -> None:
    """Each is an exception with the figures that a shop needs to say what can be had."""
    product = create(max_per_customer=CustomerLimit(quantity=4, window_seconds=60))
    held = shop.hold_units([CartLine(product_id=product.id, quantity=4)], 60, customer_id="ann")
    with pytest.raises(InsufficientStock) as short:
        shop.purchase_product(product.id, 2, customer_id="bob")
    refusal = short.value
    assert (refusal.requested, refusal.available, refusal.held) == (2, 1, 4)
    assert refusal.next_release_at == held.expires_at
    assert refusal.lines[0].product_id == refusal.product_id == product.id
    assert refusal.status == 409
    assert refusal.request_id
    with pytest.raises(PurchaseLimitExceeded) as limited:
        shop.purchase_product(product.id, 1, customer_id="ann")
    assert (limited.value.limit, limited.value.already) == (4, 4)
    with pytest.raises(ValidationFailed) as invalid:
        shop.purchase_product(product.id, 0, customer_id="bob")
    assert "quantity" in invalid.value.errors
    sku = f"B-{time.time_ns()}"
    create(sku=sku)
    with pytest.raises(DuplicateSku) as twice:
        create(sku=sku)
    assert twice.value.sku == sku
    with pytest.raises(IdempotencyKeyReused):
        shop.purchase_product(product.id, 3, idempotency_key=short.value.idempotency_key)


def test_a_hold_that_ran_out_says_what_is_missing(shop: InventoryClient, create: Create) -> None:
    """A late commit takes the units once more; if they were sold meanwhile, it names them."""
    product = create(stock=1)
    held = shop.hold_units([CartLine(product_id=product.id, quantity=1)], 1)
    eventually(lambda: shop.get_reservation(held.id).state == "expired", "it does not expire")
    shop.purchase_product(product.id, 1)
    with pytest.raises(ReservationExpired) as late:
        shop.commit_reservation(held.id)
    assert [line.product_id for line in late.value.lines] == [product.id]


def test_keys_open_what_they_are_good_for(service: Service, shop: InventoryClient) -> None:
    """A client without a key, with a bad one or with a page's gets errors of their own."""
    made = shop.make_key("till", ["stock:purchase"], expires_at=datetime(2099, 1, 1, tzinfo=UTC))
    assert shop.get_key(made.id).hint
    assert made.key.startswith("inv_sk_")
    assert made.id in {key.id for key in shop.list_keys(page_size=2)}
    shop.revoke_key(made.id)
    for key, error in ((None, AuthenticationRequired), ("inv_sk_wrong", InvalidApiKey)):
        with InventoryClient(service.url, key) as stranger, pytest.raises(error):
            stranger.purchase_product("66f1c0ffee66f1c0ffee0001", 1)
    with (
        InventoryClient(service.url, service.publishable) as page,
        pytest.raises(SecretKeyRequired),
    ):
        page.release_reservation("66f1c0ffee66f1c0ffee0001")


@pytest.mark.parametrize(
    "fates",
    ["drop", "half", "refuse", "busy", "page", "outcome", "running", "drop-busy-half-outcome"],
)
def test_a_purchase_happens_once_whatever_gets_lost(
    shop: InventoryClient, create: Create, behind: Callable[..., Behind], fates: str
) -> None:
    """The answer is lost, cut or replaced: the call is made again with its key, and buys once."""
    product, buyer = create(), behind(fates)
    purchase = buyer.shop.purchase_product(product.id, 2)
    assert purchase.remaining_stock == 3
    expected = [*fates.split("-"), "relay"]
    # A service under load may make it wait once more.
    assert buyer.fates()[: len(expected)] == expected
    (key,) = buyer.keys()
    assert key is not None
    assert sold(shop, product) == 1


def test_each_call_has_a_key_of_its_own(create: Create, behind: Callable[..., Behind]) -> None:
    """Two purchases of the same thing are two purchases."""
    product, buyer = create(), behind("drop")
    first, second = (buyer.shop.purchase_product(product.id, 1) for _ in range(2))
    assert first.id != second.id
    assert len(buyer.keys()) == 2


def test_a_service_that_says_when_is_waited_for(
    create: Create, behind: Callable[..., Behind]
) -> None:
    """503 and 429 with a short Retry-After are no errors to whoever called."""
    product, buyer = create(), behind("later-limited")
    began = time.monotonic()
    assert buyer.shop.purchase_product(product.id, 1).remaining_stock == 4
    assert time.monotonic() - began >= 2
    assert buyer.fates() == ["later", "limited", "relay"]


def test_a_silent_service_is_asked_again_with_the_same_key(
    shop: InventoryClient, create: Create, behind: Callable[..., Behind]
) -> None:
    """What took effect before the time-out is answered then, and not done again."""
    product, buyer = create(), behind("silent", Patience(attempt_seconds=1.0))
    assert buyer.shop.purchase_product(product.id, 1).remaining_stock == 4
    assert buyer.fates()[0] == "silent"
    assert len(buyer.keys()) == 1
    assert sold(shop, product) == 1


def test_the_deadline_ends_a_call(create: Create, behind: Callable[..., Behind]) -> None:
    """A service that stays silent is left in time, and the error says that it may have happened."""
    product, buyer = create(), behind("-".join(["silent"] * 50), BRIEF)
    began = time.monotonic()
    with pytest.raises(NoAnswer) as lost:
        buyer.shop.purchase_product(product.id, 1)
    assert time.monotonic() - began < ENDLESS_SECONDS
    assert lost.value.may_have_happened


def test_the_key_of_a_lost_call_tells_later(
    shop: InventoryClient, create: Create, behind: Callable[..., Behind]
) -> None:
    """Where nobody could say what happened, the same key gets the first answer, and buys once."""
    product, buyer = create(), behind("drop-closed")
    with pytest.raises(Unavailable) as lost:
        buyer.shop.purchase_product(product.id, 1)
    assert lost.value.may_have_happened
    key = lost.value.idempotency_key
    assert key is not None
    assert buyer.keys() == {key}
    assert shop.purchase_product(product.id, 1, idempotency_key=key).remaining_stock == 4
    assert sold(shop, product) == 1


@pytest.mark.parametrize("fate, error", [("stuck", IdempotencyInProgress), ("closed", RateLimited)])
def test_what_takes_too_long_is_an_error(
    create: Create, behind: Callable[..., Behind], fate: str, error: type[InventoryError]
) -> None:
    """In progress, or limited, for longer than it is worth to wait: whoever called decides."""
    product, buyer = create(), behind(fate)
    with pytest.raises(error) as raised:
        buyer.shop.purchase_product(product.id, 1)
    assert isinstance(raised.value, Unavailable)
    assert raised.value.retry_after_seconds == 60
    assert raised.value.may_have_happened == (fate == "stuck")
    assert buyer.fates() == [fate]


@pytest.mark.parametrize("fate", ["drop", "half", "outcome", "page"])
def test_an_edit_is_not_sent_twice(
    shop: InventoryClient, create: Create, behind: Callable[..., Behind], fate: str
) -> None:
    """It has no key, so it is sent once where it may have had its effect, and the error says so."""
    product, editor = create(), behind(fate)
    with pytest.raises(Unavailable) as raised:
        editor.shop.edit_product(product, name="Once")
    assert raised.value.may_have_happened
    assert len(editor.seen()) == 1

    editor = behind("busy")
    assert editor.shop.edit_product(shop.get_product(product.id), name="Then").name == "Then"
    assert editor.fates() == ["busy", "relay"]


@pytest.mark.parametrize("fate", ["drop", "half", "outcome", "page", "busy"])
def test_reads_are_repeated(create: Create, behind: Callable[..., Behind], fate: str) -> None:
    """They have no effect, so whatever goes wrong they are made again."""
    product, reader = create(), behind(fate)
    assert reader.shop.get_product(product.id).id == product.id
    assert reader.fates() == [fate, "relay"]


def test_pages_are_read_as_they_are_needed(
    shop: InventoryClient, create: Create, behind: Callable[..., Behind]
) -> None:
    """An iterator asks for a page when the one before is used up, and survives losses between."""
    product = create()
    for number in range(4):
        shop.adjust_stock(product.id, 1, "found", reference=f"{number}")
    reader = behind("relay-drop")
    rows = reader.shop.list_movements(product.id, page_size=2)
    assert next(rows).reference == "3"
    assert len(reader.seen()) == 1
    assert [row.version for row in rows] == [4, 3, 2, 1]
    assert reader.fates() == ["relay", "drop", "relay", "relay"]


def test_nobody_listens() -> None:
    """It is certain that nothing was sent, and the call ends at its deadline."""
    with InventoryClient(f"http://{LOOPBACK}:{free_port()}", patience=BRIEF) as shop:
        began = time.monotonic()
        with pytest.raises(Unreachable) as raised:
            shop.make_key("till", ["catalog:read"])
        assert time.monotonic() - began < ENDLESS_SECONDS
        assert not raised.value.may_have_happened


def test_another_service_is_told_apart(service: Service) -> None:
    """What this service would not answer is an error of its own, as is an address that is none."""
    elsewhere = f"{service.url}/openapi.json?"
    with InventoryClient(elsewhere) as shop, pytest.raises(UnexpectedAnswer):
        shop.get_product("66f1c0ffee66f1c0ffee0001")
    with pytest.raises(ValueError, match="no address"):
        InventoryClient("shop.example")


def test_a_hundred_buyers_behind_a_flaky_network(
    shop: InventoryClient, create: Create, behind: Callable[..., Behind]
) -> None:
    """Ten units are sold, ten buyers know that they have one, ninety that there are none left."""
    product, buyers = create(stock=10), behind("flaky", UNHURRIED)

    def buy(number: int) -> str:
        try:
            return buyers.shop.purchase_product(product.id, 1, reference=f"{number}").id
        except InsufficientStock:
            return ""

    with ThreadPoolExecutor(100) as threads:
        bought = [purchase for purchase in threads.map(buy, range(100)) if purchase]
    assert len(set(bought)) == len(bought) == 10
    assert sold(shop, product) == 10
    assert shop.get_stock(product.id).available == 0
    assert {"drop", "half", "refuse", "outcome", "busy", "page"} <= set(buyers.fates())


def test_calls_share_a_connection(create: Create, behind: Callable[..., Behind]) -> None:
    """Call after call uses the connection of the one before."""
    product, reader = create(), behind("relay")
    for _ in range(3):
        reader.shop.get_product(product.id)
    assert len({request["connection"] for request in reader.seen()}) == 1
