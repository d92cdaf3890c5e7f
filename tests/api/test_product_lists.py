"""Lists of products: order, pages, filters, and what cannot be asked."""

from decimal import Decimal
from typing import Any

import pytest
from flask.testing import FlaskClient

from inventory import limits
from inventory.domain.products import fold
from tests.api.conftest import Create
from tests.api.support import assert_problem

SORTS = ["-created_at", "created_at", "name", "-name", "price", "-price"]
# Ties everywhere, also between names that differ only in accents and case.
NAMES = ["Cap", "cap", "Äpfel", "apfel", "APFEL", "Zoo", "zoo 2", "Cap"]
PRICES = ["5", "10", "5", "9.50", "10.00", "0", "100", "5"]


def listed(client: FlaskClient, query: str = "", **headers: str) -> list[dict[str, Any]]:
    """Return the products of one page."""
    answer = client.get(f"/api/products?{query}", headers=headers)
    assert answer.status_code == 200, answer.data
    assert answer.json is not None
    items: list[dict[str, Any]] = answer.json["items"]
    return items


def walk(client: FlaskClient, query: str, between: Any = None) -> list[str]:
    """Return the ids of all pages in order; call `between` after every page."""
    ids, cursor = [], ""
    while True:
        page = client.get(f"/api/products?{query}{cursor}").json
        assert page is not None
        ids += [product["id"] for product in page["items"]]
        if page["next_cursor"] is None:
            return ids
        assert page["items"], "a page without an end"
        assert len(ids) < 100, "pages without an end"
        cursor = f"&cursor={page['next_cursor']}"
        if between:
            between()


def value_of(product: dict[str, Any], sort: str) -> Any:
    """Return what a sort compares, the id last."""
    field = sort.removeprefix("-")
    value = {"name": fold(product["name"]), "price": Decimal(product["price"])}.get(field)
    return (product["created_at"] if value is None else value, product["id"])


def test_an_empty_catalogue(client: FlaskClient) -> None:
    """A list of nothing is a page without items and without a next one."""
    assert client.get("/api/products").json == {"items": [], "next_cursor": None}


def test_a_page_shows_whole_products(client: FlaskClient, create: Create) -> None:
    """A list shows each product as it is read alone, the newest first, 20 on a page."""
    created = [create(name=f"Cap {number}") for number in range(21)]
    page = client.get("/api/products").json
    assert page is not None
    assert page["items"] == created[:0:-1]
    assert page["next_cursor"] is not None
    assert page["items"][0] == client.get(f"/api/products/{created[-1]['id']}").json


@pytest.mark.parametrize("size", [1, 3, 100])
@pytest.mark.parametrize("sort", SORTS)
def test_pages_in_order(client: FlaskClient, create: Create, sort: str, size: int) -> None:
    """Page by page every product comes once and in order, the id deciding between equals."""
    created = [create(name=name, price=price) for name, price in zip(NAMES, PRICES, strict=True)]
    expected = sorted(
        created, key=lambda product: value_of(product, sort), reverse=sort.startswith("-")
    )
    assert walk(client, f"sort={sort}&limit={size}") == [product["id"] for product in expected]


@pytest.mark.parametrize("sort", SORTS)
def test_pages_while_the_catalogue_grows(client: FlaskClient, create: Create, sort: str) -> None:
    """Products that come and go while somebody pages make him neither miss nor repeat another."""
    there = {
        create(name=name, price=price)["id"] for name, price in zip(NAMES, PRICES, strict=True)
    }

    def grow() -> None:
        gone = create(name="B gone", price="7")
        for name, price in (("A new", "0"), ("M new", "7"), ("Z new", "1000")):
            create(name=name, price=price)
        path = f"/api/products/{gone['id']}"
        assert client.delete(path, headers={"If-Match": "*"}).status_code == 204

    steps = iter(range(4))
    seen = walk(client, f"sort={sort}&limit=2", lambda: grow() if next(steps, None) else None)
    assert len(seen) == len(set(seen))
    assert there <= set(seen)


@pytest.mark.parametrize("name", ["n" * 200, "🦄" * 200, "ﷺ" * 200, "跑" * 200])
def test_pages_of_long_names(client: FlaskClient, create: Create, name: str) -> None:
    """A cursor that the service gave out is one that it takes, however long the names are."""
    created = [create(name=name)["id"] for _ in range(3)]
    assert walk(client, "sort=name&limit=1") == created


@pytest.fixture(name="catalogue")
def _catalogue(create: Create) -> dict[str, str]:
    """A few products that filters can tell apart: name by id."""
    products = [
        create(name="Air Runner", sku="A-1", price="100", tags=["shoes", "run"], stock=0),
        create(name="Läufer ÉTÉ", sku="L_2", price="50.50", tags=["shoes"], stock=3),
        create(name="Cap", price="5", tags=["hats"], description="Running cap, STRASSE", stock=1),
        create(name="Scarf", sku="S-3", price="5.01", stock=0, oversell_limit=2),
        create(name="Straße", sku="s-3", price="0", tags=["Shoes"], stock=9),
    ]
    return {product["id"]: product["name"] for product in products}


@pytest.mark.parametrize("query, expected", [
    ("q=run", "Air Runner, Cap"),
    ("q=RUNN", "Air Runner, Cap"),
    ("q=runner", "Air Runner"),
    ("q=unner", ""),
    ("q=laufer", "Läufer ÉTÉ"),
    ("q=Läuf ete", "Läufer ÉTÉ"),
    ("q=strasse", "Cap, Straße"),
    ("q=straße", "Cap, Straße"),
    ("q=cap run", "Cap"),
    ("q=run cap", "Cap"),
    ("q=cap air", ""),
    ("q=hats", "Cap"),
    ("q=a-1", "Air Runner"),
    ("q=.*", ""),
    ("sku=A-1", "Air Runner"),
    ("sku=a-1", ""),
    ("sku=S-3", "Scarf"),
    ("sku=s-3", "Straße"),
    ("sku=A", ""),
    ("tag=shoes", "Air Runner, Läufer ÉTÉ"),
    ("tag=Shoes", "Straße"),
    ("tag=shoe", ""),
    ("min_price=5.01", "Air Runner, Läufer ÉTÉ, Scarf"),
    ("max_price=5.01", "Cap, Scarf, Straße"),
    ("min_price=5&max_price=50.5", "Läufer ÉTÉ, Cap, Scarf"),
    ("min_price=0&max_price=0", "Straße"),
    ("min_price=6&max_price=5", ""),
    ("in_stock=true", "Läufer ÉTÉ, Cap, Scarf, Straße"),
    ("in_stock=false", "Air Runner"),
    ("tag=shoes&in_stock=true", "Läufer ÉTÉ"),
    ("q=run&tag=hats&max_price=5&in_stock=true", "Cap"),
    ("q=run&tag=hats&max_price=4.99", ""),
    ("tag=shoes&sku=A-1&min_price=100&in_stock=false", "Air Runner"),
])  # fmt: skip
def test_filters(client: FlaskClient, catalogue: dict[str, str], query: str, expected: str) -> None:
    """A list shows the products that every filter lets pass, in every order and on any page."""
    for sort in ("created_at", "-price"):
        names = [catalogue[id] for id in walk(client, f"{query}&sort={sort}&limit=2")]
        assert sorted(names) == sorted(expected.split(", ") if expected else [])


def test_some_products_by_id(client: FlaskClient, catalogue: dict[str, str]) -> None:
    """A list of ids shows those that exist, passing over what never was an id."""
    first, second, *_ = catalogue
    asked = ",".join([second, first, first, "0" * 24, "x", first.upper(), "$gt", "", " "])
    assert {product["id"] for product in listed(client, f"ids={asked}")} == {first, second}
    assert listed(client, "ids=x") == []
    hundred = ",".join([first, *["0" * 24] * 99])
    assert [product["id"] for product in listed(client, f"ids={hundred}")] == [first]


def cursor_of(client: FlaskClient, create: Create, sort: str) -> str:
    """Return a cursor that the service gave out for a list sorted by `sort`."""
    create()
    create()
    page = client.get(f"/api/products?limit=1&sort={sort}").json
    assert page is not None
    return str(page["next_cursor"])


@pytest.mark.parametrize("made_for", SORTS)
def test_a_cursor_belongs_to_its_order(client: FlaskClient, create: Create, made_for: str) -> None:
    """A cursor of a list in another order means nothing, so it is refused."""
    cursor = cursor_of(client, create, made_for)
    for sort in SORTS:
        answer = client.get(f"/api/products?sort={sort}&cursor={cursor}")
        if sort == made_for:
            assert answer.status_code == 200
        else:
            problem = assert_problem(answer, 422, "validation_failed")
            assert problem["errors"].keys() == {"cursor"}


@pytest.mark.parametrize("query, field", [
    ("limit=0", "limit"),
    ("limit=101", "limit"),
    ("limit=-1", "limit"),
    ("limit=1.0", "limit"),
    ("limit=1e1", "limit"),
    ("limit=", "limit"),
    ("limit=%D9%A3", "limit"),
    ("limit=99999999999999999999", "limit"),
    ("limit=%201", "limit"),
    ("cursor=", "cursor"),
    ("cursor=x", "cursor"),
    ("cursor=W10", "cursor"),
    ("cursor=%F0%9F%A6%84", "cursor"),
    ("cursor=null", "cursor"),
    ("sort=stock", "sort"),
    ("sort=", "sort"),
    ("sort=--name", "sort"),
    ("sort=PRICE", "sort"),
    ("low_stock=yes", "low_stock"),
    ("in_stock=1", "in_stock"),
    ("in_stock=True", "in_stock"),
    ("in_stock=", "in_stock"),
    ("min_price=-1", "min_price"),
    ("min_price=NaN", "min_price"),
    ("min_price=1e2", "min_price"),
    ("max_price=abc", "max_price"),
    ("max_price=", "max_price"),
    ("q=", "q"),
    ("q=%20", "q"),
    ("q=a%00b", "q"),
    ("q=" + "x" * 201, "q"),
    ("q=a+b+c+d+e+f+g+h+i", "q"),
    ("sku=", "sku"),
    ("sku=" + "x" * 65, "sku"),
    ("tag=" + "x" * 65, "tag"),
    ("ids=", "ids"),
    ("ids=" + ",".join(["0" * 24] * 101), "ids"),
    ("page=1", "page"),
    ("sku[$ne]=x", "sku[$ne]"),
    ("$where=1", "$where"),
    ("limit=1&limit=1", "limit"),
    ("q=a&q=b", "q"),
    ("tag=a&tag=b", "tag"),
])  # fmt: skip
def test_what_cannot_be_asked(client: FlaskClient, query: str, field: str) -> None:
    """A parameter that is unknown, repeated or out of bounds is refused and named."""
    problem = assert_problem(client.get(f"/api/products?{query}"), 422, "validation_failed")
    assert problem["errors"].keys() == {field}


@pytest.mark.parametrize("batch", [1, 2, 3, 100])
def test_pages_of_what_is_in_stock(
    client: FlaskClient, create: Create, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    """A page of what can, or cannot, be bought is full however the batches behind it fall."""
    monkeypatch.setattr(limits, "STOCK_BATCH_PRODUCTS", batch)
    ids = [create(name=f"Cap {n}", stock=n % 3)["id"] for n in range(8)]

    def pages(query: str) -> list[list[str]]:
        found, cursor = [], ""
        while True:
            page = client.get(f"/api/products?sort=created_at&limit=2&{query}{cursor}").get_json()
            found.append([item["id"] for item in page["items"]])
            if page["next_cursor"] is None:
                return found
            cursor = f"&cursor={page['next_cursor']}"

    there = [id for n, id in enumerate(ids) if n % 3]
    gone = [id for n, id in enumerate(ids) if n % 3 == 0]
    assert pages("in_stock=true") == [there[:2], there[2:4], there[4:]]
    assert pages("in_stock=false") == [gone[:2], gone[2:]]
