"""Bytes a sale: what was measured, divided by what was sold."""

from loadtests.footprint.figures import Held, Sizes, Sold, markdown


def rows_of(page: str) -> dict[str, list[str]]:
    """Return the cells of all rows of all tables, by their first cell."""
    lines = [line.strip("|").split("|") for line in page.splitlines() if line.startswith("|")]
    return {line[0].strip(): [cell.strip() for cell in line[1:]] for line in lines}


def test_sizes_are_told_for_each_purchase() -> None:
    """Each collection's share and the sum of all; what did not grow is left out."""
    added = {
        "movements": Sizes(200, 40_000, 10_000, 30_000),
        "purchases": Sizes(100, 20_000, 6_000, 4_000, 500),
        "reservations": Sizes(0, 0, 4_096, 0),
    }
    sold = Sold("Some way", 100, added, oplog=90_000, oplog_stored=30_000)
    held = Held({"workers": [50.4, 60.6]}, cached_products=10, cache_bytes=9_000, cache_keys=20)
    page = markdown((10, {"products": Sizes(10, 1_000, 200, 300, 90)}), [sold], held, {"on": "x"})
    rows = rows_of(page)
    assert rows["movements"] == ["2.00", "400", "100", "300", "400", ""]
    assert rows["purchases"] == ["1.00", "200", "60", "40", "100", "5"]
    assert "reservations" not in rows
    assert rows["all"] == ["3.00", "600", "160", "340", "500", "5"]
    assert rows["products"] == ["1.00", "100", "20", "30", "50", "9"]
    assert "900 bytes a purchase, 300 of them on disk" in page
    assert "900 bytes in 2.0 keys for each of 10 products" in page
    assert rows["workers"] == ["50, 61"]


def test_what_was_added_is_the_difference() -> None:
    """A look before and one after tell what came in between."""
    before, after = Sizes(10, 1_000, 400, 300), Sizes(30, 3_500, 1_400, 500)
    assert after.less(before) == Sizes(20, 2_500, 1_000, 200)
