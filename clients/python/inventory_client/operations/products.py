"""The catalogue."""

from collections.abc import Iterator, Mapping, Sequence

from inventory_client.answers import Attribute, CustomerLimit, Product
from inventory_client.inputs import UNSET, Money, Sort, Unset, changed, given, numbered
from inventory_client.operations.base import JSON, Room, segment

_PATH = "/api/products"


def _seen(product: Product) -> dict[str, str]:
    """Return the header that bases a change on what was read; a sale since is no conflict."""
    return {"If-Match": f'"{product.version}"'}


class Products(Room):
    """Operations on products."""

    def list_products(
        self,
        *,
        q: str | None = None,
        sku: str | None = None,
        ids: Sequence[str] | None = None,
        tag: str | None = None,
        min_price: Money | None = None,
        max_price: Money | None = None,
        in_stock: bool | None = None,
        low_stock: bool | None = None,
        sort: Sort | None = None,
        page_size: int = 100,
        fresh: bool = False,
    ) -> Iterator[Product]:
        """Yield products, the newest first unless sorted otherwise; pages are read as needed."""
        return self._pages(
            Product,
            _PATH,
            page_size,
            fresh=fresh,
            q=q,
            sku=sku,
            ids=ids,
            tag=tag,
            min_price=min_price,
            max_price=max_price,
            in_stock=in_stock,
            low_stock=low_stock,
            sort=sort,
        )

    def create_product(
        self,
        name: str,
        price: Money,
        stock: int,
        *,
        sku: str | None = None,
        currency: str | None = None,
        description: str | None = None,
        tags: Sequence[str] | None = None,
        attributes: Mapping[str, Attribute] | None = None,
        low_stock_threshold: int | None = None,
        oversell_limit: int | None = None,
        max_per_order: int | None = None,
        max_per_customer: CustomerLimit | None = None,
        idempotency_key: str | None = None,
    ) -> Product:
        """Create a product with its opening stock."""
        body = given(
            name=name,
            price=price,
            stock=stock,
            sku=sku,
            currency=currency,
            description=description,
            tags=tags,
            attributes=None if attributes is None else numbered(attributes),
            low_stock_threshold=low_stock_threshold,
            oversell_limit=oversell_limit,
            max_per_order=max_per_order,
            max_per_customer=max_per_customer,
        )
        return self._keyed(Product, _PATH, body, idempotency_key)

    def get_product(self, product_id: str, *, fresh: bool = False) -> Product:
        """Read one product; `fresh` reads the database, past every cache."""
        return self._read(Product, f"{_PATH}/{segment(product_id)}", fresh=fresh)

    def edit_product(
        self,
        product: Product,
        *,
        name: str | Unset = UNSET,
        price: Money | Unset = UNSET,
        sku: str | Unset | None = UNSET,
        currency: str | Unset = UNSET,
        description: str | Unset | None = UNSET,
        tags: Sequence[str] | Unset | None = UNSET,
        attributes: Mapping[str, Attribute | None] | Unset | None = UNSET,
        low_stock_threshold: int | Unset | None = UNSET,
        oversell_limit: int | Unset | None = UNSET,
        max_per_order: int | Unset | None = UNSET,
        max_per_customer: CustomerLimit | Unset | None = UNSET,
    ) -> Product:
        """Edit the product that was read; raise `StaleVersion` if somebody did so since.

        None resets a field; an attribute that is None is taken away, and those that are not named
        stay. Stock is changed by `adjust_stock` alone.
        """
        body = changed(
            name=name,
            price=price,
            sku=sku,
            currency=currency,
            description=description,
            tags=tags,
            attributes=numbered(attributes) if isinstance(attributes, Mapping) else attributes,
            low_stock_threshold=low_stock_threshold,
            oversell_limit=oversell_limit,
            max_per_order=max_per_order,
            max_per_customer=max_per_customer,
        )
        path = f"{_PATH}/{segment(product.id)}"
        return self._changed(Product, "PATCH", path, body, JSON | _seen(product))

    def delete_product(self, product: Product) -> None:
        """Take the product that was read out of the catalogue; its history stays."""
        self._removed(f"{_PATH}/{segment(product.id)}", _seen(product))
