"""A sale watched while it runs, and a rehearsal from its beginning to its verdict."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from inventory.local.servers import Server, start_valkey
from inventory.settings import Settings
from tests.dashboard.conftest import Shop, Visit, opened, sign_in


def sell(shop: Shop, product: str, times: int) -> None:
    """Sell one unit after the other, several at once."""
    path = f"/api/products/{product}/purchase"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: shop.call("POST", path, {"quantity": 1}), range(times)))


def test_a_sale_is_watched_while_it_runs(page: Page, shop: Shop, visit: Visit) -> None:
    """What is left counts down by itself, to nothing, and the books are verified in the end."""
    product = shop.product("Watched", 40)
    visit(f"#/sale/{product}")
    left = page.locator("#units-left")
    expect(left).to_have_text("40")
    expect(page.get_by_text("0 sold + 40 left = 40 stocked")).to_be_visible()
    sell(shop, product, 15)
    expect(left).to_have_text("25")
    sell(shop, product, 25)
    expect(left).to_have_text("0")
    expect(page.locator(".first dt")).to_have_text("Sold out")
    expect(page.get_by_text("40 sold + 0 left = 40 stocked")).to_be_visible()


def test_a_rehearsal_ends_with_its_verdict(page: Page, visit: Visit) -> None:
    """Buyers storm a product, the page follows, and says in the end whether all was right."""
    visit("#/rehearsals")
    page.get_by_role("button", name="Rehearse a flash sale").click()
    page.get_by_label("Buyers").fill("120")
    page.get_by_label("Units in stock").fill("60")
    page.get_by_role("button", name="Begin").click()
    expect(page.get_by_role("heading", name="Rehearsal of a flash sale")).to_be_visible()
    expect(page.get_by_text("60 sold + 0 left = 60 stocked")).to_be_visible()
    expect(page.get_by_text("all is right")).to_be_visible()
    expect(page.get_by_text("✗")).to_have_count(0)


def test_a_rehearsal_that_cannot_be(page: Page, visit: Visit) -> None:
    """A number out of bounds is told beside its field, and nothing begins."""
    visit("#/rehearsals")
    page.get_by_role("button", name="Rehearse a flash sale").click()
    page.get_by_label("Buyers").fill("501")
    page.get_by_role("button", name="Begin").click()
    expect(page.get_by_label("Buyers")).to_have_attribute("aria-invalid", "true")
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_the_overview_moves(page: Page, shop: Shop, visit: Visit) -> None:
    """What is sold now is in its figures a few seconds later."""
    product = shop.product("Moving", 100)
    visit("#/")
    sold = page.locator(".tile", has_text="Units sold").locator("dd").first
    before = int(re.sub(r"\D", "", sold.inner_text()))
    sell(shop, product, 30)
    expect(sold).to_have_text(f"{before + 30:,}")


@pytest.fixture(name="cache")
def _cache(tmp_path: Path) -> Iterator[Server]:
    server = start_valkey(tmp_path)
    yield server
    server.kill()


def test_redis_dies_meanwhile(
    browser: Browser, cache: Server, database_settings: Settings, tmp_path: Path
) -> None:
    """The overview says so, the sale on the screen goes on, and nothing of it is wrong."""
    settings = replace(database_settings, redis_url=cache.url)
    with (
        opened(settings, tmp_path / "service.log", "inventory_test_dashboard_alone") as shop,
        browser.new_context() as context,
    ):
        page, watch = context.new_page(), context.new_page()
        sign_in(page, shop)
        product = shop.product("Without a cache", 10)
        watch.goto(f"{shop.url}/admin/#/sale/{product}")
        expect(watch.locator("#units-left")).to_have_text("10")
        cache.kill()
        sell(shop, product, 4)
        expect(watch.locator("#units-left")).to_have_text("6")
        expect(watch.get_by_text("4 sold + 6 left = 10 stocked")).to_be_visible()
        expect(page.get_by_text("Redis does not answer")).to_be_visible()
