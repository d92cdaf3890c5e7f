"""`python -m loadtests.painting`; `make bench-painting` calls it: how soon pages are there.

A browser without anything in its cache opens pages of the dashboard over many products, in turns.
What it measures itself is told, as medians: first paint, the largest paint, how much moved
afterwards, how long scripts held the page up, and what was sent.
"""

import statistics
from collections.abc import Iterator, Mapping

import click
from playwright.sync_api import Browser, expect, sync_playwright

from loadtests import report, service
from loadtests.books import Api
from loadtests.dashboards import REPORTS, Plan, started
from tests.dashboard.conftest import find_browser

# Set before the page begins, because paints are told to whoever listens by then.
WATCH = """
window.seen = { largest: 0, moved: 0, blocked: 0 };
const see = (type, take) => new PerformanceObserver(
  (list) => list.getEntries().forEach(take)).observe({ type, buffered: true });
see('largest-contentful-paint', (entry) => { seen.largest = entry.startTime; });
see('layout-shift', (entry) => { if (!entry.hadRecentInput) seen.moved += entry.value; });
see('longtask', (entry) => { seen.blocked += Math.max(0, entry.duration - 50); });
"""
READ = """() => {
  const files = ['navigation', 'resource'].flatMap((type) => performance.getEntriesByType(type));
  const sum = (name) => files.reduce((bytes, file) => bytes + file[name], 0);
  return {
    first_paint_ms: performance.getEntriesByName('first-contentful-paint')[0].startTime,
    largest_paint_ms: seen.largest,
    layout_shift: seen.moved,
    blocked_ms: seen.blocked,
    sent_kb: sum('transferSize') / 1000,
    unpacked_kb: sum('decodedBodySize') / 1000,
    requests: files.length,
  };
}"""
# So long a page is left to itself once it shows what it was asked for.
SETTLE_MS = 1_000
Figures = Mapping[str, float]


def measure(rounds: int, products: int) -> dict[str, Figures]:
    """Return the medians of every page."""
    plan = Plan(pages=0, every_seconds=0, seconds=0, workers=3, products=products)
    found: dict[str, list[Figures]] = {}
    with started(plan) as around, sync_playwright() as playwright:
        url = around["gunicorn"].url
        browser = playwright.chromium.launch(**find_browser())
        places = dict(_places(url))
        for _ in range(rounds):
            for name, place in places.items():
                found.setdefault(name, []).append(_open(browser, f"{url}/admin/{place}"))
        browser.close()
    return {name: _medians(figures) for name, figures in found.items()}


def _places(url: str) -> Iterator[tuple[str, str]]:
    with Api(url) as api:
        product = api.request("GET", "/api/products?limit=1").json()["items"][0]["id"]
    yield "overview", "#/"
    yield "products", "#/products"
    yield "products, searched", "#/products?q=a"
    yield "a product", f"#/products/{product}"
    yield "a sale", f"#/sale/{product}"


def _open(browser: Browser, address: str) -> Figures:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    try:
        page = context.new_page()
        page.add_init_script(WATCH)
        page.goto(address)
        page.locator("main h1").first.wait_for()
        expect(page.locator("main p[aria-busy=true]")).to_have_count(0)
        page.wait_for_timeout(SETTLE_MS)
        figures: Figures = page.evaluate(READ)
        return figures
    finally:
        context.close()


def _medians(figures: list[Figures]) -> Figures:
    return {name: round(statistics.median(one[name] for one in figures), 3) for name in figures[0]}


@click.command()
@click.option("--rounds", type=click.IntRange(1), default=5, show_default=True)
@click.option("--products", type=click.IntRange(1), default=100_000, show_default=True)
def main(rounds: int, products: int) -> None:
    """Measure how soon pages of the dashboard are there."""
    try:
        found = measure(rounds, products)
    except service.ServiceError as error:
        raise click.ClickException(str(error)) from error
    directory = report.new_directory(REPORTS, "painting")
    report.write_json(directory / "result.json", {"products": products, "medians": found})
    names = list(next(iter(found.values())))
    click.echo(f"| page | {' | '.join(name.replace('_', ' ') for name in names)} |")
    click.echo(f"| --- |{' ---: |' * len(names)}")
    for page, figures in found.items():
        click.echo(f"| {page} | {' | '.join(f'{figures[name]:g}' for name in names)} |")
    click.echo(f"Kept in {directory}")


if __name__ == "__main__":
    main()
