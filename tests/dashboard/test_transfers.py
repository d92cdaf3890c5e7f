"""Files are tried out before they are imported, and everything comes out as a file."""

import csv
from pathlib import Path

import orjson
from playwright.sync_api import FilePayload, Page, Request, Route, expect

from tests.dashboard.conftest import Shop, Visit, check_accessibility

TABLE = (
    "sku,name,price,stock\r\n"
    "{0}-1,First,1.00,5\r\n"
    "{0}-2,Second,much,5\r\n"
    "=SUM(A1),Third,3.00,\r\n"
    "{0}-4,Fourth,4.00,5\r\n"
)


def choose(page: Page, content: str, name: str = "products.csv") -> None:
    """Choose a file and wait until it was tried out."""
    file: FilePayload = {"name": name, "mimeType": "text/csv", "buffer": content.encode()}
    page.get_by_label("File").set_input_files(file)
    expect(page.locator("[aria-busy=true]")).to_have_count(0)


def count(page: Page, name: str) -> str:
    """Return the figure of this name."""
    return (
        page.locator(".tile", has=page.get_by_text(name, exact=True))
        .locator("dd")
        .first.inner_text()
    )


def in_shop(shop: Shop, sku: str) -> int:
    """Return how many products have a sku."""
    return len(shop.call("GET", f"/api/products?sku={sku}")["items"])


def test_everything_is_exported(page: Page, shop: Shop, visit: Visit, tmp_path: Path) -> None:
    """As a table and as lines of JSON, with every product."""
    shop.product("To Be Exported", sku="EXPORT-1")
    visit("#/transfer")
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV, for").click()
    table = tmp_path / "products.csv"
    download.value.save_as(table)
    rows = list(csv.DictReader(table.read_text().splitlines()))
    assert "EXPORT-1" in {row["sku"] for row in rows}
    with page.expect_download() as download:
        page.get_by_role("button", name="NDJSON").click()
    lines = tmp_path / "products.ndjson"
    download.value.save_as(lines)
    told = [orjson.loads(line) for line in lines.read_text().splitlines()]
    assert len(told) == len(rows)


def test_files_are_tried_out_first(page: Page, shop: Shop, visit: Visit, tmp_path: Path) -> None:
    """What would become of each row is told, with what is wrong by field; nothing is written."""
    visit("#/transfer")
    choose(page, TABLE.format("TRY"))
    assert [count(page, name) for name in ("created", "failed")] == ["2", "2"]
    rows = page.get_by_role("region", name="Rows that fail").locator("tbody tr")
    expect(rows.nth(0)).to_contain_text("TRY-2")
    expect(rows.nth(0)).to_contain_text("price")
    expect(rows.nth(1)).to_contain_text("stock")
    expect(page.get_by_role("button", name="Import 0 rows")).to_be_disabled()
    check_accessibility(page)
    assert in_shop(shop, "TRY-1") == 0

    with page.expect_download() as download:
        page.get_by_role("link", name="Download what is wrong").click()
    file = tmp_path / "failed.csv"
    download.value.save_as(file)
    told = list(csv.DictReader(file.read_text().splitlines()))
    assert [(one["row"], one["field"]) for one in told] == [("2", "price"), ("3", "stock")]
    assert told[1]["sku"] == "'=SUM(A1)", "a spreadsheet would execute it"


def test_rows_that_fail_can_be_left_out(page: Page, shop: Shop, visit: Visit) -> None:
    """The others are imported, and what was left out is told once more."""
    visit("#/transfer")
    choose(page, TABLE.format("PART"))
    page.get_by_label("Leave out the rows that fail").check()
    page.get_by_role("button", name="Import 2 rows").click()
    expect(page.get_by_role("heading", name="Imported in part")).to_be_visible()
    assert [count(page, name) for name in ("created", "failed")] == ["2", "2"]
    assert [in_shop(shop, f"PART-{number}") for number in (1, 2, 4)] == [1, 0, 1]


def test_a_file_without_mistakes_is_imported_whole(page: Page, shop: Shop, visit: Visit) -> None:
    """There is nothing to decide; the second time nothing changes."""
    content = '{"sku": "WHOLE-1", "name": "Whole", "price": "2.00", "stock": 3}\n'
    visit("#/transfer")
    choose(page, content, "products.ndjson")
    expect(page.get_by_role("radio")).to_have_count(0)
    page.get_by_role("button", name="Import 1 row").click()
    expect(page.get_by_role("heading", name="Imported", exact=True)).to_be_visible()
    assert in_shop(shop, "WHOLE-1") == 1
    choose(page, content, "products.jsonl")
    assert count(page, "unchanged") == "1"


def test_what_cannot_be_read_is_said(page: Page, visit: Visit) -> None:
    """A file of another kind, and one that breaks off, are refused with a sentence."""
    visit("#/transfer")
    choose(page, "anything", "products.xlsx")
    expect(page.get_by_role("alert")).to_contain_text("no CSV, NDJSON or JSON")
    choose(page, "sku;name\r\nA;B\r\n")
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_role("button", name="Import")).to_have_count(0)


def test_an_import_whose_time_was_up_goes_on(page: Page, shop: Shop, visit: Visit) -> None:
    """The same request is sent with the same key until it has come to its end."""
    sent: list[Request] = []

    def unfinished_once(route: Route) -> None:
        sent.append(route.request)
        if len(sent) > 1:
            return route.continue_()
        told = {"code": "import_unfinished", "detail": "Not done yet.", "rows_done": 1}
        return route.fulfill(status=503, content_type="application/problem+json", json=told)

    visit("#/transfer")
    choose(page, "sku,name,price,stock\r\nLONG-1,Long,1.00,1\r\n")
    page.route("**/api/products/bulk?on_error=*", unfinished_once)
    page.get_by_role("button", name="Import 1 row").click()
    expect(page.get_by_role("heading", name="Imported", exact=True)).to_be_visible()
    keys = [request.headers["idempotency-key"] for request in sent]
    assert len(keys) == 2
    assert len(set(keys)) == 1
    assert in_shop(shop, "LONG-1") == 1
