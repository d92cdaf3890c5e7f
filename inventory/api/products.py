"""/api/products: the catalogue."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Blueprint, Response, request

from inventory import limits, presenters
from inventory.api import cursors
from inventory.api.authentication import current_actor
from inventory.api.bodies import JSON, MERGE_PATCH
from inventory.api.context import context
from inventory.api.contract import contract
from inventory.api.problems import PreconditionRequired
from inventory.api.reads import PageQuery, etag_of
from inventory.api.responses import replayable, validated, wants_fresh
from inventory.api.schemas.products import (
    NewProductSchema,
    ProductListSchema,
    ProductPatchSchema,
)
from inventory.domain.claims import RequestKey
from inventory.domain.keys import Scope
from inventory.domain.products import OPTIONAL_TERMS, Terms
from inventory.errors import (
    DuplicateSku,
    InvalidValue,
    OutcomeUnknown,
    ProductNotFound,
    StaleVersion,
)
from inventory.services.catalogue import Listed

bp = Blueprint("products", __name__, url_prefix="/api/products")

_ANY_VERSION = "*"


@bp.get("")
@contract(
    "List products",
    {200: "ProductPage", 304: ""},
    scope=Scope.CATALOG_READ,
    query=ProductListSchema(),
    headers=("ETag", "X-Cache", "Cache-Control"),
)
def list_products(query: dict[str, Any]) -> Response:
    """List products page by page, the newest first unless sorted otherwise."""
    cursor, sort = query["cursor"], query["sort"]
    after = None if cursor is None else cursors.decode(sort, cursor)
    asked = PageQuery(query["wanted"], sort, after, query["limit"])
    return validated(context().reads.page(asked, fresh=wants_fresh()))


@bp.post("")
@contract(
    "Create a product",
    {201: "Product"},
    scope=Scope.CATALOG_WRITE,
    body=NewProductSchema(),
    problems=(DuplicateSku,),
    idempotent=True,
    headers=("Location", "ETag"),
)
def create_product(body: dict[str, Any], key: RequestKey | None) -> Response:
    """Create a product with its opening stock."""
    seen = context().reads.glimpse()
    stock = body.pop("stock")
    terms = Terms.of(**_terms(body))
    created, replayed = context().catalogue.create_product(terms, stock, key, current_actor())
    if replayed:
        context().reads.publish_current([created.product.id])
    else:
        context().reads.publish_product(created.product, created.stock, seen)
    return _product(
        created, 201, replayed=replayed, Location=f"{bp.url_prefix}/{created.product.id}"
    )


@bp.get("/<product:product_id>")
@contract(
    "Read a product",
    {200: "Product", 304: ""},
    scope=Scope.CATALOG_READ,
    problems=(ProductNotFound,),
    headers=("ETag", "X-Cache", "Cache-Control"),
)
def get_product(product_id: str) -> Response:
    """Read one product, from the cache unless `Cache-Control: no-cache` says otherwise."""
    return validated(context().reads.product(product_id, fresh=wants_fresh()))


@bp.patch("/<product:product_id>")
@contract(
    "Edit a product",
    {200: "Product"},
    scope=Scope.CATALOG_WRITE,
    body=ProductPatchSchema(),
    media_types=(JSON, MERGE_PATCH),
    problems=(ProductNotFound, DuplicateSku),
    conditional=True,
    headers=("ETag",),
)
def edit_product(product_id: str, body: dict[str, Any]) -> Response:
    """Edit the catalogue fields of a product by a merge patch; stock has movements of its own."""
    seen = context().reads.glimpse()
    with _shown_as_it_is(product_id):
        edited = context().catalogue.edit_product(
            product_id, _expected_version(), lambda terms: _patched(terms, body)
        )
    context().reads.publish_product(edited.product, edited.stock, seen)
    return _product(edited, 200)


@bp.delete("/<product:product_id>")
@contract(
    "Delete a product",
    {204: ""},
    scope=Scope.CATALOG_WRITE,
    problems=(ProductNotFound,),
    conditional=True,
)
def delete_product(product_id: str) -> Response:
    """Take a product out of the catalogue; its movements and purchases stay."""
    with _shown_as_it_is(product_id):
        deleted = context().catalogue.delete_product(product_id, _expected_version())
    context().reads.forget_product(deleted.product, deleted.stock)
    return Response(status=204)


@contextmanager
def _shown_as_it_is(product_id: str) -> Iterator[None]:
    """Let reads show at least what a refusal tells: that a product was edited or deleted.

    Whoever did that may not have come to tell the cache.
    """
    try:
        yield
    except (ProductNotFound, StaleVersion):
        context().reads.publish_current([product_id])
        raise
    except OutcomeUnknown:
        context().reads.doubt([product_id])
        raise


def _product(listed: Listed, status: int, *, replayed: bool = False, **headers: str) -> Response:
    response = replayable(
        presenters.product(listed.product, listed.stock), status, replayed=replayed, **headers
    )
    response.set_etag(etag_of(listed.product.version, listed.stock.revision))
    return response


def _terms(body: dict[str, Any]) -> dict[str, Any]:
    return body | ({"tags": tuple(body["tags"])} if "tags" in body else {})


def _patched(terms: Terms, patch: dict[str, Any]) -> Terms:
    """Return `terms` with a merge patch applied: null resets a field, or drops an attribute."""
    changes = {
        name: OPTIONAL_TERMS[name] if value is None else value for name, value in patch.items()
    }
    if patch.get("attributes") is not None:
        merged = {**terms.attributes, **patch["attributes"]}
        changes["attributes"] = {name: value for name, value in merged.items() if value is not None}
        if len(changes["attributes"]) > limits.ATTRIBUTES_MAX:
            raise InvalidValue("attributes", f"At most {limits.ATTRIBUTES_MAX} attributes.")
    values = {name: getattr(terms, name) for name in Terms.__slots__}
    return Terms.of(**values | _terms(changes))


def _expected_version() -> int | None:
    """Return the product version in If-Match, None for `*`.

    Only the part of the ETag that counts edits is compared: a sale meanwhile is no conflict.
    """
    sent = request.headers.get("If-Match", "").strip()
    if not sent:
        raise PreconditionRequired
    if sent == _ANY_VERSION:
        return None
    version = sent.removeprefix("W/").strip('"').partition("-")[0]
    # A tag that this service never gave out matches no version there is.
    return int(version) if version.isascii() and version.isdigit() and len(version) < 16 else 0
