"""What is meant by lines that name products by id or by sku."""

from collections.abc import Sequence
from dataclasses import dataclass

from inventory import limits
from inventory.domain.lines import Line, merged
from inventory.errors import InvalidValue, ProductNotFound
from inventory.repository.products import ProductRepository


@dataclass(frozen=True, slots=True)
class AskedLine:
    """Some units of a product, which has an id or a sku."""

    quantity: int
    product_id: str | None = None
    sku: str | None = None


def resolve_lines(products: ProductRepository, asked: Sequence[AskedLine]) -> tuple[Line, ...]:
    """Return one line for each product; raise `ProductNotFound` naming every unknown sku."""
    skus = {line.sku for line in asked if line.sku is not None}
    ids = products.ids_by_sku(skus) if skus else {}
    if unknown := sorted(skus - ids.keys()):
        raise ProductNotFound(*unknown)
    return merged(Line(line.product_id or ids[line.sku or ""], line.quantity) for line in asked)


def resolve_cart(products: ProductRepository, asked: Sequence[AskedLine]) -> tuple[Line, ...]:
    """Return one line for each product, as `resolve_lines` does.

    Raises `InvalidValue` where the lines of one product together ask for more than a line may.
    """
    lines = resolve_lines(products, asked)
    if any(line.quantity > limits.QUANTITY_MAX for line in lines):
        raise InvalidValue("lines", f"At most {limits.QUANTITY_MAX} units of one product.")
    return lines
