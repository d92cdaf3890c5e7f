"""Reservations in the dashboard: counted down, extended, bought and released."""

from typing import Any

from playwright.sync_api import Page, expect

from tests.dashboard.conftest import Shop, Visit, check_accessibility
from tests.integration.processes import eventually


def held(shop: Shop, customer: str, ttl_seconds: int = 600, **quantities: int) -> dict[str, Any]:
    """Hold units of new products for a customer."""
    lines = [{"product_id": shop.product(name), "quantity": n} for name, n in quantities.items()]
    body = {"lines": lines, "ttl_seconds": ttl_seconds, "customer_id": customer}
    reservation: dict[str, Any] = shop.call("POST", "/api/reservations", body)
    return reservation


def state_of(shop: Shop, reservation: dict[str, Any]) -> str:
    """Return what has become of a reservation."""
    state: str = shop.call("GET", f"/api/reservations/{reservation['id']}")["state"]
    return state


def test_what_is_held_is_counted_down(page: Page, visit: Visit, shop: Shop) -> None:
    """The list shows what is held now, and how long still, second by second."""
    held(shop, "waiter", Tray=2)
    released = held(shop, "waiter", Jug=1)
    shop.call("POST", f"/api/reservations/{released['id']}/release", {})
    rows = page.get_by_role("region", name="Reservations").locator("tbody tr")
    visit("#/reservations?customer_id=waiter")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("Tray")
    left = rows.locator("td[data-name='Runs out in']")
    seen: set[int] = set()

    def goes_by_seconds() -> bool:
        minutes, seconds = left.inner_text().split(":")
        seen.add(60 * int(minutes) + int(seconds))
        return any(other - 1 in seen for other in seen)

    eventually(goes_by_seconds, lambda: f"it went by more than seconds: {seen}")
    assert max(seen) <= 600
    check_accessibility(page)
    page.get_by_label("State").select_option(label="All")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("released")


def test_a_hold_is_extended(page: Page, visit: Visit, shop: Shop) -> None:
    """More time is given from now on, and the countdown goes on from there."""
    reservation = held(shop, "slow", ttl_seconds=60, Chair=1)
    visit(f"#/reservations/{reservation['id']}")
    page.get_by_role("button", name="Extend").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Minutes from now").fill("30")
    check_accessibility(page)
    dialog.get_by_role("button", name="Extend").click()
    expect(page.get_by_role("status")).to_contain_text("It is held until")
    expect(page.locator("dd", has_text="in 29:")).to_be_visible()


def test_a_part_is_bought_and_the_rest_released(page: Page, visit: Visit, shop: Shop) -> None:
    """Committing fewer units sells these, and leads to the purchase that they became."""
    reservation = held(shop, "chooser", Fork=3, Spoon=2)
    visit(f"#/reservations/{reservation['id']}")
    page.get_by_role("button", name="Commit").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Fork")).to_have_value("3")
    dialog.get_by_label("Fork").fill("1")
    dialog.get_by_label("Spoon").fill("0")
    check_accessibility(page)
    dialog.get_by_role("button", name="Commit").click()
    expect(page.get_by_role("status")).to_contain_text("1 unit sold.")
    expect(page.get_by_role("button", name="Release")).to_have_count(0)
    page.get_by_role("link", name="the purchase").click()
    expect(page.get_by_role("row", name="Fork")).to_be_visible()
    expect(page.get_by_role("row", name="Spoon")).to_have_count(0)
    page.get_by_role("link", name="the reservation").click()
    expect(page.get_by_text("committed")).to_be_visible()


def test_nothing_at_all_is_not_bought(page: Page, visit: Visit, shop: Shop) -> None:
    """A commit of no units is refused in the form; the hold stays."""
    reservation = held(shop, "nobody", Pan=1)
    visit(f"#/reservations/{reservation['id']}")
    page.get_by_role("button", name="Commit").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Pan").fill("0")
    dialog.get_by_role("button", name="Commit").click()
    expect(dialog.get_by_role("alert")).to_have_text("Choose at least one unit.")
    assert state_of(shop, reservation) == "held"


def test_a_release_asks_first(page: Page, visit: Visit, shop: Shop) -> None:
    """It is done only after it was confirmed, as it cannot be undone."""
    reservation = held(shop, "leaver", Pot=4)
    visit(f"#/reservations/{reservation['id']}")
    dialog = page.get_by_role("dialog")
    page.get_by_role("button", name="Release").click()
    dialog.get_by_role("button", name="Cancel").click()
    assert state_of(shop, reservation) == "held"
    page.get_by_role("button", name="Release").click()
    check_accessibility(page)
    confirm = dialog.get_by_role("button", name="Release")
    expect(confirm).to_be_focused()
    expect(confirm).to_have_css("background-color", "rgb(185, 28, 28)")
    confirm.click()
    expect(page.get_by_role("status")).to_contain_text("4 units are on sale again.")
    expect(page.get_by_text("released", exact=True)).to_be_visible()
    assert state_of(shop, reservation) == "released"


def test_a_hold_that_runs_out_can_still_be_bought(page: Page, visit: Visit, shop: Shop) -> None:
    """The page notices that it has expired by itself, and takes the units once more."""
    reservation = held(shop, "late", ttl_seconds=2, Ladle=1)
    visit(f"#/reservations/{reservation['id']}")
    expect(page.get_by_text("expired", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Extend")).to_have_count(0)
    page.get_by_role("button", name="Commit").click()
    page.get_by_role("dialog").get_by_role("button", name="Commit").click()
    expect(page.get_by_role("status")).to_contain_text("taken once more")
    assert state_of(shop, reservation) == "committed"
