"""The dashboard in a real browser, before a real service that asks for keys.

Browser and service start once; each test has a browser context of its own, signed in by the form.
"""

import http.client
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from pymongo import MongoClient

from inventory.local.servers import LOOPBACK, free_port
from inventory.settings import Settings
from tests.integration.processes import Run, command, eventually, inventory, is_ready

DATABASE = "inventory_test_dashboard"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# What a busy machine takes, with everything else at work as well.
MS_MAX = 60_000
# A test waits for more than one thing, and more than one may take that long.
TEST_SECONDS_MAX = 300
# WCAG 2.2 at the levels A and AA.
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}

expect.set_options(timeout=MS_MAX)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the tests of the dashboard more time than others have."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.timeout(TEST_SECONDS_MAX))


@dataclass
class Shop:
    """A running service, and a key that may do everything there."""

    run: Run
    environ: dict[str, str]
    key: str

    @property
    def url(self) -> str:
        """Return the address of the service."""
        return f"http://{LOOPBACK}:{self.run.port}"

    def call(self, method: str, path: str, body: Any = None, key: str | None = None) -> Any:
        """Make a request that has to succeed; return what the answer's JSON says."""
        connection = http.client.HTTPConnection(LOOPBACK, self.run.port, timeout=20)
        headers = {"Content-Type": "application/json", "X-API-Key": key or self.key}
        try:
            data = None if body is None else json.dumps(body)
            if method in ("PATCH", "DELETE"):
                headers["If-Match"] = "*"
            connection.request(method, path, data, headers)
            response = connection.getresponse()
            answer = response.read()
        finally:
            connection.close()
        assert response.status < 300, (response.status, answer)
        return json.loads(answer) if answer else None

    def make_key(self, client: str, *scopes: str) -> str:
        """Return a new key."""
        made = self.call("POST", "/api/keys", {"client": client, "scopes": list(scopes)})
        key: str = made["key"]
        return key

    def product(self, name: str, stock: int = 10, **more: Any) -> str:
        """Return the id of a new product."""
        made = self.call(
            "POST", "/api/products", {"name": name, "price": "19.90", "stock": stock, **more}
        )
        id: str = made["id"]
        return id


@contextmanager
def opened(settings: Settings, log: Path, database: str = DATABASE) -> Iterator[Shop]:
    """Run a service with two workers, a key, and the products of the demo."""
    environ = {
        "MONGO_URL": settings.mongo_url,
        "REDIS_URL": settings.redis_url,
        "INVENTORY_MONGO_DATABASE": database,
        "INVENTORY_AUTH": "on",
        "INVENTORY_WORKERS": "2",
        # Where the tests receive what webhooks are sent.
        "INVENTORY_WEBHOOK_NETWORKS": f"{LOOPBACK}/32",
        "INVENTORY_LOG_LEVEL": "warning",
    }
    with inventory("serve", log=log, port=free_port(), **environ) as run:
        eventually(lambda: is_ready(run), lambda: run.output)
        made = command("keys", "create", "stock room", "--scope", "admin", **environ)
        assert made.returncode == 0, made.stderr
        shop = Shop(run, environ, made.stdout.strip())
        loaded = command("demo", PORT=str(run.port), INVENTORY_API_KEY=shop.key)
        assert loaded.returncode == 0, loaded.stderr
        yield shop
        run.stop()
    with MongoClient[dict[str, object]](settings.mongo_url) as client:
        client.drop_database(database)


@pytest.fixture(name="shop", scope="session")
def _shop(database_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with opened(database_settings, tmp_path_factory.mktemp("dashboard") / "service.log") as shop:
        yield shop


def find_browser() -> dict[str, Any]:
    """Return how to start the browser of this machine."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    assert found, f"Install one of these browsers first: {', '.join(BROWSERS)}"
    return {"executable_path": found, "args": ["--no-sandbox", "--disable-dev-shm-usage"]}


@pytest.fixture(name="browser", scope="session")
def _browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**find_browser())
        yield browser
        browser.close()


def sign_in(page: Page, shop: Shop, key: str = "") -> None:
    """Sign in by the form, which is where everybody begins."""
    page.goto(f"{shop.url}/admin/")
    page.get_by_label("API key").fill(key or shop.key)
    page.get_by_role("button", name="Sign in").click()
    expect_begun(page)


def expect_begun(page: Page) -> None:
    """Wait for the page that comes first, so that it cannot come later in place of another one."""
    expect(page.get_by_role("navigation", name="Pages", exact=True)).to_be_visible()
    expect(page.locator("main h1").first).to_be_visible()


SignIn = Callable[..., Page]


@pytest.fixture(name="session", scope="session")
def _session(shop: Shop, browser: Browser) -> Any:
    """What a browser keeps of a session that may do everything; no test may end that one."""
    with browser.new_context() as context:
        sign_in(context.new_page(), shop)
        return context.storage_state()


@pytest.fixture(name="sign_in")
def _sign_in(shop: Shop, browser: Browser, session: Any) -> Iterator[SignIn]:
    """Open the dashboard in a context of its own, signed in with a key by the form if one is given.

    The test fails in the end if a console said an error that it did not expect: a policy that was
    broken, a script that failed.
    """
    contexts: list[BrowserContext] = []
    errors: list[str] = []

    def enter(key: str | None = None, **options: Any) -> Page:
        state = session if key is None else None
        context = browser.new_context(locale="en-GB", storage_state=state, **options)
        contexts.append(context)
        context.set_default_timeout(MS_MAX)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda said: _note(errors, said.type, said.text))
        if key is None:
            page.goto(f"{shop.url}/admin/")
            expect_begun(page)
        else:
            sign_in(page, shop, key)
        return page

    yield enter
    for context in contexts:
        context.close()
    assert errors == []


def _note(errors: list[str], kind: str, text: str) -> None:
    # The browser itself says so of every refusal, wanted or not.
    if kind == "error" and not text.startswith("Failed to load resource"):
        errors.append(text)


@pytest.fixture(name="page")
def _page(sign_in: SignIn) -> Page:
    """The dashboard, signed in with a key that may do everything."""
    return sign_in()


Visit = Callable[[str], None]


@pytest.fixture(name="visit")
def _visit(page: Page, shop: Shop) -> Visit:
    return partial(go_to, page, shop)


def go_to(page: Page, shop: Shop, place: str) -> None:
    """Go to a page of the dashboard, and wait until nothing of it is loading."""
    # The browser stays in the same document, where the last page is seen a moment longer.
    page.evaluate("document.querySelector('main > *')?.setAttribute('data-left', '')")
    page.goto(f"{shop.url}/admin/{place}")
    expect(page.locator("main > [data-left]")).to_have_count(0)
    expect(page.locator("main h1").first).to_be_visible()
    expect(page.locator("main p[aria-busy=true]")).to_have_count(0)


def check_accessibility(page: Page) -> None:
    """Fail if axe finds a violation of WCAG 2.2 AA, or of what goes without saying, in a page."""
    found = Axe().run(page, options=RULES).response["violations"]
    told = [f"{one['id']}: {node['html'][:200]}" for one in found for node in one["nodes"]]
    assert told == []
