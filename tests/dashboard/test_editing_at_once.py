"""Two people who edit one product at once see what the other one did, and nobody overwrites it."""

import pytest
from playwright.sync_api import Page, expect

from tests.dashboard.conftest import Shop, SignIn, check_accessibility


@pytest.fixture(name="id")
def _id(shop: Shop) -> str:
    """A product that both are about to edit."""
    return shop.product("Shared Lamp", description="Before", tags=["lamp"])


@pytest.fixture(name="second")
def _second(sign_in: SignIn, shop: Shop, id: str) -> Page:
    """The one who was slower: both opened the form, the other one has saved already."""
    pages = [sign_in(), sign_in()]
    for page in pages:
        page.goto(f"{shop.url}/admin/#/products/{id}")
        page.get_by_role("button", name="Edit").click()
    first, second = pages
    first.get_by_label("Price").fill("25.00")
    first.get_by_label("Tags").fill("lamp, sale")
    first.get_by_role("button", name="Save").click()
    expect(first.get_by_text("Shared Lamp is saved.")).to_be_visible()
    second.get_by_label("Price").fill("30.00")
    second.get_by_label("Description").fill("After")
    second.get_by_role("button", name="Save").click()
    expect(second.get_by_role("region", name="What was changed meanwhile")).to_be_focused()
    return second


def test_both_are_seen_beside_each_other(second: Page, shop: Shop, id: str) -> None:
    """Each field of which they do not think alike has both values, and nothing was written."""
    rows = second.get_by_role("region", name="What differs").locator("tbody tr")
    texts = [row.split("\n") for row in rows.all_inner_texts()]
    cells = [[cell.strip() for cell in "\t".join(row).split("\t") if cell.strip()] for row in texts]
    assert cells == [
        ["Price", "19.90", "30.00", "25.00"],
        ["Description", "Before", "After", "as before"],
        ["Tags", "lamp", "as before", "lamp, sale"],
    ]
    check_accessibility(second)
    assert shop.call("GET", f"/api/products/{id}")["version"] == 2


def test_keeping_mine_leaves_what_only_they_changed(second: Page, shop: Shop, id: str) -> None:
    """What I typed wins over theirs; what I did not touch is as they made it."""
    second.get_by_role("button", name="Keep mine").click()
    expect(second.get_by_text("Shared Lamp is saved.")).to_be_visible()
    now = shop.call("GET", f"/api/products/{id}")
    assert (now["price"], now["description"]) == ("30.00", "After")
    assert now["tags"] == ["lamp", "sale"]


def test_keeping_mine_is_refused_if_it_changes_once_more(second: Page, shop: Shop, id: str) -> None:
    """Whoever decided upon what they saw is asked again if that is no longer so."""
    shop.call("PATCH", f"/api/products/{id}", {"price": "99.00"})
    second.get_by_role("button", name="Keep mine").click()
    expect(second.get_by_role("region", name="What differs")).to_contain_text("99.00")
    assert shop.call("GET", f"/api/products/{id}")["price"] == "99.00"
    second.get_by_role("button", name="Keep mine").click()
    expect(second.get_by_text("Shared Lamp is saved.")).to_be_visible()
    assert shop.call("GET", f"/api/products/{id}")["price"] == "30.00"


def test_taking_theirs_writes_nothing(second: Page, shop: Shop, id: str) -> None:
    """The product is as the first one left it, on the page as well."""
    second.get_by_role("button", name="Take theirs").click()
    expect(second.get_by_role("dialog")).to_have_count(0)
    expect(second.locator(".tile", has_text="Price")).to_contain_text("25.00")
    now = shop.call("GET", f"/api/products/{id}")
    assert (now["version"], now["description"]) == (2, "Before")


def test_deleting_what_was_edited_meanwhile_is_refused(
    sign_in: SignIn, shop: Shop, id: str
) -> None:
    """Nobody deletes a product that is no longer the one that they saw."""
    page = sign_in()
    page.goto(f"{shop.url}/admin/#/products/{id}")
    page.get_by_role("button", name="Delete").click()
    shop.call("PATCH", f"/api/products/{id}", {"name": "Renamed Lamp"})
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Delete").click()
    expect(dialog.get_by_role("alert")).to_contain_text("has changed since")
    dialog.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("heading", name="Renamed Lamp", level=1)).to_be_visible()
