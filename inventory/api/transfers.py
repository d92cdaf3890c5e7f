"""Imports and exports: many products at once, as files."""

import time
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from flask import Blueprint, Response

from inventory import limits
from inventory.api.authentication import current_actor, current_principal
from inventory.api.bodies import JSON
from inventory.api.context import context
from inventory.api.contract import contract
from inventory.api.problems import MalformedJSON, ValidationFailed
from inventory.api.schemas.rows import ExportQuerySchema, ImportQuerySchema, ProductRowSchema
from inventory.api.uploads import Upload
from inventory.domain.claims import RequestKey
from inventory.domain.imports import Row
from inventory.domain.keys import Scope
from inventory.errors import ImportUnfinished, MalformedTable, Overloaded
from inventory.services.carrying import Wish
from inventory.strict_json import NotJSON
from inventory.transfer.reading import Format, read_rows
from inventory.transfer.results import Results
from inventory.transfer.writing import written

bp = Blueprint("transfers", __name__, url_prefix="/api/products")

NDJSON, CSV = "application/x-ndjson", "text/csv"
_FORMATS = {JSON: Format.JSON, NDJSON: Format.NDJSON, CSV: Format.CSV}
_MEDIA_TYPES = {form: media_type for media_type, form in _FORMATS.items()}
_DONE, _DONE_IN_PART = 200, 207


@bp.post("/bulk")
@contract(
    "Import products",
    {_DONE: "Import", _DONE_IN_PART: "Import"},
    scope=Scope.CATALOG_WRITE,
    secret_only=True,
    query=ImportQuerySchema(),
    rows=ProductRowSchema(),
    media_types=(JSON, NDJSON, CSV),
    problems=(MalformedTable, ImportUnfinished, Overloaded),
    idempotent=True,
)
def import_products(query: dict[str, Any], upload: Upload, key: RequestKey | None) -> Response:
    """Create and change many products, each named by its sku; every row has a result of its own.

    A row says what is to change; what it does not say stays. Rows that set the stock of products
    that there are need the scope `stock:write` as well. With `on_error=reject_all` nothing is
    written if any row is found wrong beforehand; up to 100 rows are written in one transaction,
    more of them in several. 207: some rows were not done.
    """
    wish = Wish(
        policy=query["on_error"],
        dry_run=query["dry_run"],
        may_move=current_principal().may(Scope.STOCK_WRITE),
        actor=current_actor(),
        until=time.monotonic() + limits.IMPORT_SECONDS_MAX,
    )
    results = Results()
    try:
        summary, replayed = context().importing.run(
            lambda: _rows(upload), wish, results.take, None if wish.dry_run else key
        )
    except BaseException as error:
        results.close()
        if isinstance(error, NotJSON):
            raise MalformedJSON(str(error)) from error
        raise
    length, parts = results.document(summary)
    status = _DONE if summary.done else _DONE_IN_PART
    response = Response(parts, status, content_type=JSON)
    response.call_on_close(results.close)
    response.headers["Content-Length"] = str(length)
    if replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return response


def _rows(upload: Upload) -> Iterator[Row]:
    for row in read_rows(upload.file, _FORMATS[upload.media_type]):
        if row.number > limits.IMPORT_ROWS_MAX:
            raise ValidationFailed({"body": [f"At most {limits.IMPORT_ROWS_MAX} rows."]})
        yield row


@bp.get("/export")
@contract(
    "Export products",
    {_DONE: "Export"},
    scope=Scope.CATALOG_READ,
    secret_only=True,
    query=ExportQuerySchema(),
    produces=(CSV, NDJSON),
    problems=(Overloaded,),
    headers=("Content-Disposition",),
)
def export_products(query: dict[str, Any]) -> Response:
    """Write all products with their stock into one file, in the order of their creation.

    Each is as it is when its turn comes. An import takes the file as it is, and changes nothing.
    """
    form = Format(query["format"])
    parts = written(context().exporting.batches(), form)
    response = Response(_begun(parts), content_type=f"{_MEDIA_TYPES[form]}; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="products.{form}"'
    return response


def _begun(parts: Iterator[bytes]) -> Iterable[bytes]:
    """Return the same parts, of which the first are there: who gets an answer gets products."""
    first = [part for _, part in zip(range(2), parts, strict=False)]
    return chain(first, parts)
