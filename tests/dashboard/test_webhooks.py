"""Webhooks in the dashboard: added, tried, watched while they fail, and taken away."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from inventory.local.servers import free_port
from tests.dashboard.conftest import Shop, Visit, check_accessibility
from tests.integration.processes import inventory
from tests.integration.webhook_receivers import Message, Receiver


@pytest.fixture(name="receiver")
def _receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.stop()


@pytest.fixture(name="deliverer", scope="module")
def _start_deliverer(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What makes events of the ledger, and sends them."""
    log = tmp_path_factory.mktemp("deliverer") / "deliverer.log"
    environ = shop.environ | {"INVENTORY_LOG_LEVEL": "info"}
    with inventory("deliver", log=log, port=free_port(), **environ) as run:
        run.await_output("events_derived_here")
        yield
        run.stop()


@pytest.fixture(name="webhook")
def _webhook(shop: Shop, receiver: Receiver) -> Iterator[str]:
    """The id of a webhook that is told of everything."""
    id: str = shop.call("POST", "/api/webhooks", {"url": receiver.url})["id"]
    yield id
    if any(one["id"] == id for one in shop.call("GET", "/api/webhooks")["items"]):
        shop.call("DELETE", f"/api/webhooks/{id}")


def deliveries(page: Page) -> Locator:
    """Return the rows of the log."""
    return page.get_by_role("region", name="Deliveries").locator("tbody tr")


@pytest.mark.usefixtures("deliverer")
def test_a_webhook_is_added_and_its_secret_shown_once(
    page: Page, visit: Visit, shop: Shop, receiver: Receiver
) -> None:
    """What is sent from then on is signed with the secret that was shown."""
    visit("#/webhooks")
    page.get_by_role("button", name="Add a webhook").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("URL").fill("ftp://shop.example/")
    dialog.get_by_role("button", name="Add it").click()
    expect(dialog.get_by_label("URL")).to_have_accessible_description(
        "Say a URL that begins with https."
    )
    check_accessibility(page)
    dialog.get_by_label("URL").fill(receiver.url)
    dialog.get_by_label("stock.out").check()
    dialog.get_by_label("Description").fill("search index")
    dialog.get_by_role("button", name="Add it").click()
    secret = dialog.get_by_label("The secret of").input_value()
    check_accessibility(page)
    dialog.get_by_role("button", name="I have kept it").click()
    expect(page.get_by_role("definition").filter(has_text="search index")).to_be_visible()
    assert secret not in page.content()
    page.get_by_role("button", name="Send a test").click()
    expect(deliveries(page)).to_contain_text(["test.ping"])
    expect(deliveries(page)).to_contain_text(["delivered"])
    assert receiver.taken[0].is_signed_with(secret)


@pytest.mark.usefixtures("deliverer")
def test_a_delivery_that_fails_is_seen_to_succeed_later(
    page: Page, visit: Visit, shop: Shop, receiver: Receiver, webhook: str
) -> None:
    """The page follows what happens by itself: each attempt, its answer, and the end."""
    failing = [True]

    def answer(_: Message) -> int:
        return 500 if failing else 204

    receiver.answer = answer
    shop.call("POST", f"/api/products/{shop.product('Whisk')}/purchase", {"quantity": 1})
    visit(f"#/webhooks/{webhook}")
    row = deliveries(page).filter(has_text="purchase.created")
    expect(row).to_contain_text("500")
    expect(row.get_by_role("link", name="Whisk")).to_be_visible()
    check_accessibility(page)
    row.get_by_role("link").first.click()
    attempts = page.get_by_role("region", name="Attempts").locator("tbody tr")
    expect(attempts.first).to_contain_text("500")
    failing.clear()
    page.get_by_role("button", name="Redeliver").click()
    expect(page.get_by_role("status")).to_contain_text("It is sent once more.")
    expect(attempts.first).to_contain_text("204")
    expect(page.get_by_text("delivered")).to_be_visible()
    check_accessibility(page)


@pytest.mark.usefixtures("deliverer")
def test_deliveries_are_filtered_and_sent_again(
    page: Page, visit: Visit, shop: Shop, receiver: Receiver, webhook: str
) -> None:
    """The log shows what was asked for, and sends anything once more at once."""
    shop.call("POST", f"/api/products/{shop.product('Sieve')}/purchase", {"quantity": 1})
    visit(f"#/webhooks/{webhook}")
    expect(deliveries(page)).to_contain_text(["delivered"])
    page.get_by_label("State").select_option("failed")
    expect(page.get_by_text("None of the last 14 days.")).to_be_visible()
    page.get_by_label("State").select_option("delivered")
    row = deliveries(page).filter(has_text="Sieve")
    row.get_by_role("button", name="Redeliver").click()
    expect(row.locator("td[data-name=Attempts]")).to_have_text("2")
    assert receiver.came[0].id == receiver.came[1].id


def test_a_webhook_is_edited_paused_and_resumed(
    page: Page, visit: Visit, shop: Shop, webhook: str
) -> None:
    """What it is told of changes; nothing is sent while it is paused."""
    visit(f"#/webhooks/{webhook}")
    page.get_by_role("button", name="Edit").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("stock.low").check()
    check_accessibility(page)
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_role("definition").filter(has_text="stock.low")).to_be_visible()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("definition").filter(has_text="paused since")).to_be_visible()
    assert shop.call("GET", f"/api/webhooks/{webhook}")["state"] == "paused"
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    told = shop.call("GET", f"/api/webhooks/{webhook}")
    assert (told["state"], told["types"]) == ("active", ["stock.low"])


def test_a_new_secret_is_made_after_a_question(page: Page, visit: Visit, webhook: str) -> None:
    """It is another one, and is shown once."""
    visit(f"#/webhooks/{webhook}")
    dialog = page.get_by_role("dialog")
    page.get_by_role("button", name="New secret").click()
    check_accessibility(page)
    dialog.get_by_role("button", name="Make it").click()
    expect(dialog.get_by_label("The secret of")).to_have_value(re.compile("^whsec_"))
    dialog.get_by_role("button", name="I have kept it").click()
    expect(dialog).to_be_hidden()


def test_a_webhook_is_deleted_after_a_question(
    page: Page, visit: Visit, shop: Shop, receiver: Receiver, webhook: str
) -> None:
    """It is gone from the list, and from the service."""
    visit("#/webhooks")
    page.get_by_role("link", name=receiver.url).click()
    page.get_by_role("button", name="Delete").click()
    check_accessibility(page)
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="Webhooks")).to_be_visible()
    expect(page.get_by_role("link", name=receiver.url)).to_have_count(0)
    assert webhook not in [one["id"] for one in shop.call("GET", "/api/webhooks")["items"]]
