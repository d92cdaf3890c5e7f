"""A product's page tells what there is, what happened and why, while it happens."""

import time
from typing import Any

from playwright.sync_api import Page, expect

from tests.dashboard.conftest import Shop, Visit, check_accessibility

MINUS = "\N{MINUS SIGN}"
AVAILABLE = "#available"
LAST_ONE = "#last-one"


def buy(shop: Shop, id: str, quantity: int = 1, **more: Any) -> Any:
    """Buy some units of a product."""
    return shop.call("POST", f"/api/products/{id}/purchase", {"quantity": quantity, **more})


def test_every_movement_says_who_and_why(page: Page, shop: Shop, visit: Visit) -> None:
    """The customer of a sale, the key that asked for it, and the note of an adjustment."""
    id = shop.product("Well Documented", stock=9)
    sold = buy(shop, id, 2, customer_id="ann", reference="web-77")
    body = {"delta": -1, "reason": "damaged", "note": "Wet box", "reference": "claim-5"}
    shop.call("POST", f"/api/products/{id}/adjustments", body)
    visit(f"#/products/{id}")
    rows = page.get_by_role("region", name="Movements").locator("tbody tr")
    expect(rows).to_have_count(3)
    for said in (
        "adjustment",
        "damaged",
        f"{MINUS}1",
        "6",
        "Wet box",
        "claim-5",
        "by stock room",
    ):
        expect(rows.nth(0)).to_contain_text(said)
    for said in ("purchase", f"{MINUS}2", "7", "customer ann", "web-77"):
        expect(rows.nth(1)).to_contain_text(said)
    link = rows.nth(1).get_by_role("link", name="Purchase")
    expect(link).to_have_attribute("href", f"#/purchases/{sold['id']}")
    expect(rows.nth(2)).to_contain_text("opening")
    expect(page.locator("line-chart canvas")).to_be_visible()


def test_it_says_who_took_the_last_one(page: Page, shop: Shop, visit: Visit) -> None:
    """Sold out, the sale that did it is named; after a delivery it is said of the past."""
    id = shop.product("Last of Its Kind", stock=4)
    body = {"lines": [{"product_id": id, "quantity": 1}], "ttl_seconds": 900}
    held = shop.call("POST", "/api/reservations", body)
    buy(shop, id, customer_id="early")
    buy(shop, id, 2, customer_id="ben", reference="web-99")
    # Nothing is left before it and after it: this is not what took the last one.
    shop.call("POST", f"/api/reservations/{held['id']}/commit", {})
    visit(f"#/products/{id}")
    told = page.locator(LAST_ONE)
    expect(told).to_contain_text("Sold out: the last 2 units went to customer ben")
    expect(told).to_contain_text("reference web-99")
    expect(told.get_by_role("link", name="Purchase")).to_be_visible()
    check_accessibility(page)

    shop.call("POST", f"/api/products/{id}/adjustments", {"delta": 5, "reason": "received"})
    expect(page.locator(AVAILABLE)).to_have_text("5")
    expect(told).to_contain_text("When it last sold out: the last 2 units went to customer ben")


def test_what_never_was_there_was_taken_by_nobody(page: Page, shop: Shop, visit: Visit) -> None:
    """A product that began with nothing is not said to be sold out by somebody."""
    visit(f"#/products/{shop.product('Not Yet Here', stock=0)}")
    expect(page.locator(LAST_ONE)).to_contain_text("there never was any")


def test_sales_are_seen_without_a_click(page: Page, shop: Shop, visit: Visit) -> None:
    """Stock and movements follow what happens elsewhere."""
    id = shop.product("Watched Closely", stock=6)
    visit(f"#/products/{id}")
    expect(page.locator(AVAILABLE)).to_have_text("6")
    buy(shop, id, 4, customer_id="carl")
    expect(page.locator(AVAILABLE)).to_have_text("2")
    expect(page.get_by_role("region", name="Movements")).to_contain_text("customer carl")


def test_open_holds_count_down(page: Page, shop: Shop, visit: Visit) -> None:
    """Who holds how many units is listed until the hold has ended."""
    id = shop.product("In the Basket", stock=6)
    body = {
        "lines": [{"product_id": id, "quantity": 2}],
        "ttl_seconds": 900,
        "customer_id": "dora",
    }
    began = time.monotonic()
    held = shop.call("POST", "/api/reservations", body)
    visit(f"#/products/{id}")
    holds = page.get_by_role("region", name="Open holds")
    expect(holds).to_contain_text("dora")
    timer = holds.get_by_role("timer")
    before = timer.inner_text()
    minutes, seconds = map(int, before.split(":"))
    assert 900 - (time.monotonic() - began) - 1 <= minutes * 60 + seconds <= 900
    expect(timer).not_to_have_text(before)
    shop.call("POST", f"/api/reservations/{held['id']}/release", {})
    expect(holds).to_have_count(0)
    expect(page.locator(AVAILABLE)).to_have_text("6")


def test_the_books_are_checked_on_demand(page: Page, shop: Shop, visit: Visit) -> None:
    """All that was stocked is accounted for, and again after another sale."""
    id = shop.product("Accounted for", stock=5)
    visit(f"#/products/{id}")
    expect(page.get_by_text("0 sold + 5 left = 5 stocked")).to_be_visible()
    buy(shop, id, 2)
    page.get_by_role("button", name="Check again").click()
    expect(page.get_by_text("2 sold + 3 left = 5 stocked")).to_be_visible()


def test_long_histories_are_read_on(page: Page, shop: Shop, visit: Visit) -> None:
    """The newest come first, one kind can be picked out, and older ones follow on demand."""
    id = shop.product("Long History", stock=200)
    for number in range(30):
        buy(shop, id, customer_id=f"buyer {number}")
    shop.call("POST", f"/api/products/{id}/adjustments", {"delta": 7, "reason": "found"})
    visit(f"#/products/{id}")
    rows = page.get_by_role("region", name="Movements").locator("tbody tr")
    expect(rows).to_have_count(25)
    page.get_by_role("button", name="Show older ones").click()
    expect(rows).to_have_count(32)
    page.get_by_label("Show", exact=True).select_option("adjustment")
    expect(rows).to_have_count(1)
    expect(rows.first).to_contain_text("found")
    page.reload()
    expect(rows).to_have_count(1)


def test_edits_change_what_was_changed(page: Page, shop: Shop, visit: Visit) -> None:
    """What was emptied is none, what was not touched stays, attributes included."""
    id = shop.product(
        "Old Name", description="Old", attributes={"size": 42, "note": "7"}, max_per_order=3
    )
    visit(f"#/products/{id}")
    page.get_by_role("button", name="Edit").click()
    check_accessibility(page)
    expect(page.get_by_label("Attributes")).to_have_value('note: "7"\nsize: 42')
    page.get_by_role("textbox", name="Name").fill("New Name")
    page.get_by_label("Attributes").fill('note: "7"')
    page.get_by_label("Units an order").fill("")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="New Name", level=1)).to_be_visible()
    now = shop.call("GET", f"/api/products/{id}")
    assert (now["name"], now["description"], now["max_per_order"]) == ("New Name", "Old", None)
    assert now["attributes"] == {"note": "7"}


def test_adjustments_can_depend_on_what_was_seen(page: Page, shop: Shop, visit: Visit) -> None:
    """Somebody who was slower than a sale is told what there is by now, and nothing changes."""
    id = shop.product("Contended", stock=4)
    visit(f"#/products/{id}")
    page.get_by_role("button", name="Adjust stock").click()
    page.get_by_label("Units").fill("6")
    page.get_by_label("Only if available is still").fill("4")
    buy(shop, id)
    page.get_by_role("button", name="Adjust", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Expected a stock of 4, found 3.")
    page.get_by_label("Only if available is still").fill("3")
    page.get_by_role("button", name="Adjust", exact=True).click()
    expect(page.locator(AVAILABLE)).to_have_text("9")


def test_deleting_asks_first(page: Page, shop: Shop, visit: Visit) -> None:
    """It says what is lost; afterwards the product is gone, and its history is not."""
    id = shop.product("Discontinued", stock=4)
    visit(f"#/products/{id}")
    page.get_by_role("button", name="Delete").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("4 units")
    check_accessibility(page)
    dialog.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Delete").click()
    dialog.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="Products", level=1)).to_be_visible()
    visit(f"#/products/{id}")
    expect(page.get_by_role("heading", name="Deleted product")).to_be_visible()
    expect(page.get_by_role("region", name="Movements")).to_contain_text("opening")
