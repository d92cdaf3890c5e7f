"""Takes a picture of every page for the documentation: `make pictures`.

Starts a service with keys on and stores of its own, lets a morning of a shop happen there, and
leaves `docs/dashboard/NAME-{light,dark,narrow}.png`.
"""

import io
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, FilePayload, Page, expect, sync_playwright

from inventory.local.servers import start_mongod, start_valkey
from inventory.repository.schema import prepare_database
from inventory.serving import PROJECT
from inventory.settings import Settings
from tests.dashboard.conftest import Shop, find_browser, opened, sign_in

DIRECTORY = PROJECT / "docs" / "dashboard"
# Few are used, and a picture of few colours is small.
COLOURS = 128
# Of long lists the beginning.
HEIGHT_MAX = 1_400
VIEWS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 800}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 800}},
    "narrow": {"color_scheme": "light", "viewport": {"width": 390, "height": 800}},
}
# So long a page is watched before its picture is taken: charts need something to show.
WATCHED_SECONDS = {"overview": 20.0, "sale": 12.0}
# A delivery with a mistake in it.
TABLE = """sku,name,price,stock
AR-42-BLUE,,84.90,
AR-43-RED,"Air Runner, 43, red",89.90,120
AR-44-RED,"Air Runner, 44, red",cheap,80
"""
CUSTOMERS = ("c-1001", "c-1002", "c-1003", "c-1004")


@contextmanager
def shop() -> Iterator[Shop]:
    """Run a service with stores of its own."""
    with tempfile.TemporaryDirectory() as directory:
        mongod, valkey = start_mongod(Path(directory)), start_valkey(Path(directory))
        try:
            settings = Settings(mongo_url=mongod.url, redis_url=valkey.url)
            prepare_database(settings, wait_seconds=30, initiate_replica_set=True)
            with opened(settings, Path(directory, "service.log")) as running:
                yield running
        finally:
            mongod.kill()
            valkey.kill()


def morning(running: Shop) -> dict[str, str]:
    """Let purchases, holds, deliveries and mistakes happen; return the addresses of all pages."""
    sneaker = running.product("Air Runner, 42, blue", 640, sku="AR-42-BLUE", low_stock_threshold=20)
    last = running.product("Signed poster", 3, sku="POSTER-1", tags=["limited"])
    bought: list[str] = []
    for number in range(60):
        customer = CUSTOMERS[number % len(CUSTOMERS)]
        body = {"quantity": 1 + number % 3, "customer_id": customer, "reference": f"order {number}"}
        bought.append(running.call("POST", f"/api/products/{sneaker}/purchase", body)["id"])
    for customer in CUSTOMERS[:3]:
        body = {"quantity": 1, "customer_id": customer, "reference": "the last ones"}
        running.call("POST", f"/api/products/{last}/purchase", body)
    for reason, delta in (("received", 48), ("damaged", -2), ("found", 1)):
        body = {"delta": delta, "reason": reason, "reference": "delivery 4711"}
        running.call("POST", f"/api/products/{sneaker}/adjustments", body)
    back = {"lines": [{"product_id": sneaker, "quantity": 1}], "reason": "too small"}
    running.call("POST", f"/api/purchases/{bought[2]}/returns", back)
    for seconds in (600, 900, 3_000):
        hold = {"lines": [{"product_id": sneaker, "quantity": 2}], "ttl_seconds": seconds}
        running.call("POST", "/api/reservations", {**hold, "customer_id": "c-1004"})
    running.make_key("web shop", "catalog:read", "stock:purchase")
    hook = {"url": "https://example.com/hooks/stock", "types": ["purchase.created", "stock.low"]}
    webhook = running.call("POST", "/api/webhooks", hook)["id"]
    rehearsal = running.call("POST", "/api/rehearsals", {"buyers": 200, "stock": 150})["id"]
    while running.call("GET", f"/api/rehearsals/{rehearsal}")["state"] == "running":
        time.sleep(0.5)
    return {
        "overview": "#/",
        "products": "#/products",
        "product": f"#/products/{sneaker}",
        "last-one": f"#/products/{last}",
        "sale": f"#/sale/{sneaker}",
        "rehearsals": "#/rehearsals",
        "rehearsal": f"#/rehearsals/{rehearsal}",
        "transfer": "#/transfer",
        "purchases": "#/purchases",
        "purchase": f"#/purchases/{bought[2]}",
        "reservations": "#/reservations",
        "webhooks": "#/webhooks",
        "webhook": f"#/webhooks/{webhook}",
        "keys": "#/keys",
    }


def take(browser: Browser, running: Shop, places: dict[str, str], view: str) -> None:
    """Take the pictures of all pages in one view."""
    context = browser.new_context(locale="en-GB", **VIEWS[view])
    page = context.new_page()
    page.goto(f"{running.url}/admin/")
    expect(page.get_by_label("API key")).to_be_visible()
    keep(page, "sign-in", view)
    sign_in(page, running)
    for name, place in places.items():
        page.goto(f"{running.url}/admin/{place}")
        expect(page.locator("main h1").first).to_be_visible()
        expect(page.locator("main p[aria-busy=true]")).to_have_count(0)
        watch(running, page, name, place)
        keep(page, name, view)
    context.close()


def watch(running: Shop, page: Page, name: str, place: str) -> None:
    """Look at a page for as long as its charts need, while something is sold."""
    if name == "transfer":
        content = TABLE.encode()
        file: FilePayload = {"name": "delivery.csv", "mimeType": "text/csv", "buffer": content}
        page.set_input_files("input[type=file]", file)
        expect(page.get_by_text("Correct the file")).to_be_visible()
    until = time.monotonic() + WATCHED_SECONDS.get(name, 0.5)
    product = place.rpartition("/")[2]
    while time.monotonic() < until:
        if name == "sale":
            running.call("POST", f"/api/products/{product}/purchase", {"quantity": 1})
        elif name == "overview":
            items = running.call("GET", "/api/products?in_stock=true&limit=20")["items"]
            for item in items:
                running.call("POST", f"/api/products/{item['id']}/purchase", {"quantity": 1})
        page.wait_for_timeout(400)


def keep(page: Page, name: str, view: str) -> None:
    """Write a picture of few colours."""
    shot = Image.open(io.BytesIO(page.screenshot(full_page=view != "narrow")))
    beginning = shot.crop((0, 0, shot.width, min(shot.height, HEIGHT_MAX)))
    few = beginning.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    few.save(DIRECTORY / f"{name}-{view}.png", optimize=True)


def main(say: Callable[[str], object] = print) -> int:
    """Take all pictures."""
    DIRECTORY.mkdir(exist_ok=True)
    with shop() as running, sync_playwright() as playwright:
        browser = playwright.chromium.launch(**find_browser())
        places = morning(running)
        for view in VIEWS:
            take(browser, running, places, view)
            say(f"{len(places) + 1} pages, {view}")
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
