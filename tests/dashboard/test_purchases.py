"""Purchases in the dashboard: found, looked at, and taken back in part."""

import re
from typing import Any

from playwright.sync_api import Page, expect

from tests.dashboard.conftest import Shop, SignIn, Visit, check_accessibility


def bought(shop: Shop, customer: str, **quantities: int) -> tuple[dict[str, Any], dict[str, str]]:
    """Let a customer buy units of new products; return the purchase, and their ids by name."""
    ids = {name: shop.product(name, sku=f"{customer}-{name}") for name in quantities}
    lines = [{"product_id": ids[name], "quantity": n} for name, n in quantities.items()]
    body = {"lines": lines, "customer_id": customer, "reference": "order 1"}
    return shop.call("POST", "/api/purchases", body), ids


def stock_of(shop: Shop, product_id: str) -> int:
    """Return how many units of a product can be bought."""
    stock: int = shop.call("GET", f"/api/products/{product_id}/stock")["available"]
    return stock


def test_purchases_are_found_by_customer_sku_and_id(page: Page, visit: Visit, shop: Shop) -> None:
    """A search finds what it says and nothing else, and an id opens its purchase."""
    purchase, _ = bought(shop, "finder", Kettle=2, Cup=1)
    bought(shop, "somebody else", Saucer=1)
    rows = page.get_by_role("region", name="Purchases").locator("tbody tr")
    visit("#/purchases")
    page.get_by_label("Customer").fill("finder")
    page.get_by_role("button", name="Search").click()
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text(re.compile("2 . Kettle and 1 more"))
    check_accessibility(page)
    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_label("Customer")).to_have_value("")
    page.get_by_label("Product, by SKU or id").fill("finder-Cup")
    page.get_by_role("button", name="Search").click()
    expect(rows).to_have_count(1)
    page.get_by_label("Product, by SKU or id").fill("no such thing")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_text("Nobody like this has bought anything")).to_be_visible()
    page.get_by_label("Purchase id").fill(purchase["id"])
    page.get_by_role("button", name="Open").click()
    expect(page.get_by_role("link", name="Kettle")).to_be_visible()


def test_units_come_back_as_far_as_they_were_bought(page: Page, visit: Visit, shop: Shop) -> None:
    """What comes back goes on sale again and counts as returned; more cannot come back."""
    purchase, ids = bought(shop, "returner", Lamp=3, Bulb=2)
    visit(f"#/purchases/{purchase['id']}")
    page.get_by_role("button", name="Return units").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Lamp").fill("4")
    dialog.get_by_role("button", name="Return").click()
    expect(dialog.get_by_role("alert")).to_have_text("Please look at what is marked.")
    expect(dialog.get_by_label("Lamp")).to_be_focused()
    expect(dialog.get_by_label("Lamp")).to_have_accessible_description(
        "Value must be less than or equal to 3."
    )
    check_accessibility(page)
    dialog.get_by_label("Lamp").fill("2")
    dialog.get_by_label("Reason").fill("too bright")
    dialog.get_by_role("button", name="Return").click()
    expect(page.get_by_role("status")).to_contain_text("2 units came back; on sale again.")
    expect(page.get_by_role("row", name="Lamp")).to_contain_text("2")
    assert stock_of(shop, ids["Lamp"]) == 10 - 3 + 2
    page.get_by_role("button", name="Return units").click()
    expect(dialog.get_by_label("Lamp")).to_have_accessible_description("0 to 1")


def test_what_is_broken_comes_back_without_being_sold_again(
    page: Page, visit: Visit, shop: Shop
) -> None:
    """Units that are not put on sale again leave the stock as it was."""
    purchase, ids = bought(shop, "breaker", Vase=1)
    visit(f"#/purchases/{purchase['id']}")
    page.get_by_role("button", name="Return units").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("broken")
    dialog.get_by_label("Put them on sale again").uncheck()
    dialog.get_by_role("button", name="Return").click()
    expect(page.get_by_role("status")).to_contain_text("1 unit came back; not put on sale.")
    expect(page.get_by_role("button", name="Return units")).to_have_count(0)
    assert stock_of(shop, ids["Vase"]) == 9


def test_who_may_not_return_is_not_offered_to(sign_in: SignIn, shop: Shop) -> None:
    """A key for purchases alone opens a purchase, and is offered neither returns nor the list."""
    purchase, _ = bought(shop, "reader", Plate=1)
    page = sign_in(shop.make_key("till", "stock:purchase"))
    page.goto(f"{shop.url}/admin/#/purchases/{purchase['id']}")
    expect(page.get_by_text(purchase["id"])).to_be_visible()
    expect(page.get_by_role("button", name="Return units")).to_have_count(0)
    expect(page.get_by_role("navigation").get_by_role("link", name="Purchases")).to_have_count(0)


def test_a_purchase_that_there_is_not(page: Page, visit: Visit) -> None:
    """An id that nothing has is told so, in a page like any other."""
    visit("#/purchases/nonsense")
    expect(page.get_by_role("heading", name="There is no such thing")).to_be_visible()
    check_accessibility(page)
