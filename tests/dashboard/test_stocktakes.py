"""What was counted is typed in, posted at once, and told with its differences."""

from playwright.sync_api import Page, expect

from tests.dashboard.conftest import Shop, Visit, check_accessibility

MINUS = "\N{MINUS SIGN}"


def add(page: Page, said: str) -> None:
    """Type what a scanner would, or some words."""
    page.get_by_label("Product", exact=True).fill(said)
    page.get_by_label("Product", exact=True).press("Enter")


def test_counts_make_the_books_agree_with_the_shelf(page: Page, shop: Shop, visit: Visit) -> None:
    """A SKU is added at once, words are chosen from; the result has every difference."""
    right = shop.product("Counted Right", stock=5, sku="COUNT-1")
    short = shop.product("Counted Short", stock=8)
    visit("#/stocktake")
    add(page, "COUNT-1")
    expect(page.get_by_label("Counted of Counted Right")).to_be_focused()
    page.keyboard.type("5")
    add(page, "counted short")
    page.get_by_role("listitem").filter(has_text="Counted Short").get_by_role("button").click()
    page.get_by_label("Counted of Counted Short").fill("6")
    check_accessibility(page)
    page.get_by_role("button", name="Post 2 counts").click()

    expect(page.get_by_role("status").get_by_text("1 of 2 differed")).to_be_visible()
    rows = page.get_by_role("region", name="What was counted").locator("tbody tr")
    expect(rows.filter(has_text="Counted Right")).to_contain_text("as expected")
    expect(rows.filter(has_text="Counted Short")).to_contain_text(f"{MINUS}2")
    stocks = [shop.call("GET", f"/api/products/{id}/stock")["available"] for id in (right, short)]
    assert stocks == [5, 6]


def test_wrong_counts_are_told_beside_their_lines(page: Page, shop: Shop, visit: Visit) -> None:
    """While a line is wrong none is posted."""
    first = shop.product("Line One", stock=5, sku="LINE-1")
    shop.product("Line Two", stock=5, sku="LINE-2")
    visit("#/stocktake")
    add(page, "LINE-1")
    page.get_by_label("Counted of Line One").fill("3")
    add(page, "LINE-2")
    page.get_by_role("button", name="Post 2 counts").click()
    expect(page.get_by_label("Counted of Line Two")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Counted of Line One")).not_to_have_attribute("aria-invalid", "true")
    assert shop.call("GET", f"/api/products/{first}/stock")["available"] == 5


def test_counting_goes_on_after_a_look_elsewhere(page: Page, shop: Shop, visit: Visit) -> None:
    """What was counted so far waits for whoever follows a link, until it is discarded."""
    id = shop.product("Half Counted", stock=5)
    visit(f"#/products/{id}")
    page.get_by_role("button", name="Count").click()
    page.get_by_label("Counted of Half Counted").fill("4")
    page.get_by_role("link", name="Half Counted").click()
    expect(page.get_by_role("heading", name="Half Counted", level=1)).to_be_visible()
    visit("#/stocktake")
    expect(page.get_by_label("Counted of Half Counted")).to_have_value("4")
    page.get_by_role("button", name="Discard").click()
    expect(page.get_by_text("Nothing is counted yet.")).to_be_visible()


def test_nothing_is_added_for_what_there_is_not(page: Page, visit: Visit) -> None:
    """Who mistypes is told that there is no such product."""
    visit("#/stocktake")
    add(page, "no-such-thing-at-all")
    expect(page.get_by_text("No product is like that.")).to_be_visible()
