"""What all pages have in common: accessible, light, and true to their policy."""

import hashlib
import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

import inventory.web
from tests.dashboard.conftest import Shop, SignIn, Visit, check_accessibility, go_to

STATIC = Path(inventory.web.__file__).parent / "static"
PAGE_BYTES_MAX = 250_000
# Of the page itself and all that it has loaded.
BYTES = """['navigation', 'resource'].flatMap((type) => performance.getEntriesByType(type))
    .filter(({ name }) => name.includes('/admin/'))
    .reduce((bytes, { decodedBodySize }) => bytes + decodedBodySize, 0)"""


def places(shop: Shop) -> list[str]:
    """Return an address of every page."""
    product = shop.call("GET", "/api/products?limit=1")["items"][0]["id"]
    return [
        "#/",
        "#/products",
        f"#/products/{product}",
        "#/stocktake",
        "#/transfer",
        "#/rehearsals",
        f"#/sale/{product}",
        *records(shop),
    ]


def records(shop: Shop) -> list[str]:
    """Return the addresses of what is kept, and of the lists of it."""
    lines = [{"product_id": shop.product("Kept", stock=9), "quantity": 1}]
    purchase = shop.call("POST", "/api/purchases", {"lines": lines})["id"]
    reservation = shop.call("POST", "/api/reservations", {"lines": lines, "ttl_seconds": 600})["id"]
    webhook = shop.call("POST", "/api/webhooks", {"url": "https://shop.example/hook"})["id"]
    delivery = shop.call("POST", f"/api/webhooks/{webhook}/test")["id"]
    return [
        "#/purchases",
        f"#/purchases/{purchase}",
        "#/reservations",
        f"#/reservations/{reservation}",
        "#/keys",
        "#/webhooks",
        f"#/webhooks/{webhook}",
        f"#/webhooks/{webhook}/deliveries/{delivery}",
    ]


@pytest.mark.parametrize("scheme, width", [("light", 1280), ("dark", 360)])
def test_pages_are_accessible(sign_in: SignIn, shop: Shop, scheme: str, width: int) -> None:
    """axe finds nothing on any page, in either theme, on a desk and on a phone."""
    page = sign_in(color_scheme=scheme, viewport={"width": width, "height": 800})
    for place in places(shop):
        go_to(page, shop, place)
        check_accessibility(page)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{place} is {wide} pixels wide"


def test_pages_are_light(page: Page, shop: Shop, visit: Visit) -> None:
    """All that a page is made of, before any compression, is less than many a picture."""
    for place in places(shop):
        page.goto("about:blank")
        visit(place)
        assert page.evaluate(BYTES) < PAGE_BYTES_MAX, place


def test_vendored_files_are_what_was_published() -> None:
    """Each has a version, a licence and the checksum that it was taken over with."""
    told = json.loads((STATIC / "vendor" / "vendored.json").read_text())
    files = {file for one in told for file in one["files"]}
    found = {
        str(file.relative_to(STATIC / "vendor"))
        for file in (STATIC / "vendor").rglob("*")
        if file.is_file() and file.name != "vendored.json"
    }
    assert files == found
    for one in told:
        assert all(one[name] for name in ("name", "version", "licence", "source"))
        for name, digest in one["files"].items():
            content = (STATIC / "vendor" / name).read_bytes()
            assert hashlib.sha256(content).hexdigest() == digest, name


def test_nothing_comes_from_elsewhere(page: Page, shop: Shop, visit: Visit) -> None:
    """The page asks its own origin for everything, and its policy allows nothing else."""
    asked: set[str] = set()
    page.on("request", lambda request: asked.add(request.url))
    page.reload()
    visit("#/")
    assert asked
    assert {url for url in asked if not url.startswith((shop.url, "data:"))} == set()


def test_wrong_keys_are_refused(sign_in: SignIn, shop: Shop) -> None:
    """With a sentence, and without a way in."""
    page = sign_in(shop.key)
    page.get_by_role("button", name="Sign out").click()
    page.get_by_label("API key").fill("inv_sk_wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_role("navigation", name="Pages", exact=True)).to_have_count(0)


def test_only_what_the_key_may_do_is_offered(sign_in: SignIn, shop: Shop) -> None:
    """A key that may read the catalogue sees no more than that in the menu, wherever it goes."""
    page = sign_in(shop.make_key("looks only", "catalog:read"))
    expect(page.get_by_role("heading", name="Products")).to_be_visible()
    menu = page.get_by_role("navigation", name="Pages", exact=True).get_by_role("listitem")
    assert "Keys" not in menu.all_inner_texts()
    page.goto(f"{shop.url}/admin/#/keys")
    expect(page.get_by_role("heading", name="Your key does not open this page")).to_be_visible()
