"""Products are found, created and adjusted from their list."""

import re

from playwright.sync_api import Page, expect

from tests.dashboard.conftest import Shop, SignIn, Visit, check_accessibility

MINUS = "\N{MINUS SIGN}"


def test_words_find_products(page: Page, visit: Visit) -> None:
    """Beginnings of words will do, of a SKU as well; the address keeps what was looked for."""
    visit("#/products")
    page.get_by_label("Words or SKU").fill("ele-lamp")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("link", name="Headlamp 400 lm")).to_be_visible()
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page).to_have_url(re.compile("q=ele-lamp"))
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("tbody tr")).to_have_count(50)


def test_filters_narrow_the_list_down(page: Page, visit: Visit) -> None:
    """By what is left, by tag, and by a range of prices in the order of the price."""
    visit("#/products")
    page.get_by_label("What is left").select_option("sold out")
    expect(page).to_have_url(re.compile("in_stock=false"))
    expect(page.locator("tbody .tag", has_text="in stock")).to_have_count(0)
    expect(page.locator("tbody .tag", has_text="out of stock").first).to_be_visible()

    visit("#/products?tag=electronics&min_price=100&max_price=200&sort=-price")
    prices = page.locator("tbody td[data-name=Price]")
    expect(prices.first).to_have_text("US$189.90")
    expect(prices.last).to_have_text("US$139.00")


def test_low_stock_is_a_click_away(page: Page, shop: Shop, visit: Visit) -> None:
    """What is at its threshold is listed, and nothing that is above it."""
    shop.product("Nearly Gone", stock=2, low_stock_threshold=3)
    shop.product("Plenty of It", stock=20, low_stock_threshold=3)
    visit("#/products")
    page.get_by_role("button", name="Low stock").click()
    expect(page.get_by_role("link", name="Nearly Gone")).to_be_visible()
    expect(page.get_by_role("link", name="Plenty of It")).to_have_count(0)
    expect(page.get_by_label("What is left")).to_have_value("low")


def test_long_lists_have_pages(page: Page, shop: Shop, visit: Visit) -> None:
    """Each page has other products than the one before, and there is a way back."""
    visit("#/products?sort=name")
    first = page.locator("tbody a").first
    name = first.inner_text()
    page.get_by_role("button", name="Next page").click()
    expect(page.get_by_role("button", name="First page")).to_be_visible()
    expect(first).not_to_have_text(name)
    page.get_by_role("button", name="First page").click()
    expect(first).to_have_text(name)


def test_products_are_created(page: Page, shop: Shop, visit: Visit) -> None:
    """With everything that can be said of them, once what was wrong has been put right."""
    visit("#/products")
    page.get_by_role("button", name="New product").click()
    said = {
        "Name": "Dashboard Lamp",
        "SKU": "DASH-LAMP",
        "Opening stock": "12",
        "Description": "Made by hand",
        "Tags": "lamp, desk",
        "Attributes": "watts: 7\ncolour: red",
        "Low stock at": "3",
        "Backorders": "5",
        "Units an order": "4",
        "Units a customer": "2",
        "Within": "7",
    }
    dialog = page.get_by_role("dialog")
    for label, value in said.items():
        dialog.get_by_label(label).fill(value)
    page.get_by_role("button", name="Create").click()
    expect(dialog.get_by_label("Price")).to_have_attribute("aria-invalid", "true")
    expect(dialog.get_by_label("Price")).to_be_focused()
    check_accessibility(page)

    dialog.get_by_label("Price").fill("19.90")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", name="Dashboard Lamp", level=1)).to_be_visible()
    [made] = shop.call("GET", "/api/products?sku=DASH-LAMP")["items"]
    assert (made["tags"], made["attributes"]) == (["lamp", "desk"], {"watts": 7, "colour": "red"})
    assert (made["stock"], made["low_stock_threshold"], made["oversell_limit"]) == (12, 3, 5)
    assert made["max_per_customer"] == {"quantity": 2, "window_seconds": 7 * 86_400}


def test_a_sku_is_taken_once(page: Page, shop: Shop, visit: Visit) -> None:
    """Who takes it again is told so, and loses nothing that was typed."""
    shop.product("First with It", sku="TAKEN-1")
    visit("#/products")
    page.get_by_role("button", name="New product").click()
    dialog = page.get_by_role("dialog")
    for label, value in {"Name": "Second", "SKU": "TAKEN-1", "Price": "1.00"}.items():
        dialog.get_by_label(label).fill(value)
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("alert")).to_contain_text("already has the sku")
    expect(dialog.get_by_label("Name")).to_have_value("Second")


def test_stock_is_adjusted_from_the_list(page: Page, shop: Shop, visit: Visit) -> None:
    """The reason has the sign; whoever contradicts it is told so."""
    id = shop.product("Fragile Vase", stock=8)
    visit("#/products?q=fragile")
    page.get_by_role("button", name="Adjust Fragile Vase").click()
    check_accessibility(page)
    page.get_by_label("Units").fill("-3")
    page.get_by_role("button", name="Adjust", exact=True).click()
    expect(page.get_by_text("cannot have the reason received")).to_be_visible()

    page.get_by_label("Reason").select_option(f"{MINUS} damaged")
    page.get_by_label("Units").fill("3")
    page.get_by_label("Note").fill("Fell off the shelf")
    page.get_by_role("button", name="Adjust", exact=True).click()
    expect(page.get_by_role("status").get_by_text(f"Fragile Vase: {MINUS}3, now 5")).to_be_visible()
    expect(page.locator("td[data-name=Available]")).to_have_text("5")
    latest = shop.call("GET", f"/api/products/{id}/movements?limit=1")["items"][0]
    assert (latest["delta"], latest["reason"], latest["note"]) == (
        -3,
        "damaged",
        "Fell off the shelf",
    )


def test_who_may_only_look_is_offered_nothing_else(sign_in: SignIn, shop: Shop) -> None:
    """A key that reads the catalogue finds products, and no button that changes one."""
    page = sign_in(shop.make_key("reads", "catalog:read"))
    page.goto(f"{shop.url}/admin/#/products?q=headlamp")
    page.get_by_role("link", name="Headlamp 400 lm").click()
    expect(page.get_by_role("heading", name="Catalogue")).to_be_visible()
    for name in ("New product", "Adjust stock", "Edit", "Delete"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)
    expect(page.get_by_role("heading", name="What happened")).to_have_count(0)


def test_names_are_text(page: Page, shop: Shop, visit: Visit) -> None:
    """What looks like a script is shown as it was typed, and does nothing."""
    name = "<img src=x onerror=alert(1)> Scripted"
    id = shop.product(name, tags=["<b>"], description="<script>alert(1)</script>")
    visit("#/products?q=scripted")
    expect(page.get_by_role("link", name=name)).to_be_visible()
    visit(f"#/products/{id}")
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    expect(page.get_by_text("<script>alert(1)</script>")).to_be_visible()
