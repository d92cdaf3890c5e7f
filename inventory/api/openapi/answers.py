"""What the service answers, as JSON Schema: one closed record for each function of `presenters`.

Every member is always there, null where there is nothing to say, so a client never has to tell an
absent member from an empty one.
"""

from inventory import limits
from inventory.api.openapi.access import keys
from inventory.api.openapi.building import (
    JSONSchema,
    amount,
    balance,
    choice,
    constant,
    currency,
    described,
    held,
    identifier,
    moment,
    nullable,
    record,
    reference,
    stock_version,
    text,
    truth,
    whole,
)
from inventory.api.openapi.documents import documents
from inventory.api.openapi.events import events
from inventory.api.openapi.overview import overview
from inventory.api.openapi.rehearsals import rehearsals
from inventory.api.openapi.transfers import transfers
from inventory.api.openapi.webhooks import webhooks
from inventory.api.openapi.wording import EXAMPLES
from inventory.domain.integrity.problems import Code
from inventory.domain.movements import Kind
from inventory.domain.products import Availability


def answers() -> dict[str, JSONSchema]:
    """Return the schema of every answer by its name, and of what they have in common."""
    schemas = _common() | {
        "Product": _product(),
        "ProductPage": _page("Product", "Some products, in the order asked for."),
        "Movement": _movement(),
        "MovementPage": _page("Movement", "Some movements of a product, the newest first."),
        "Stock": _stock(),
        **documents(),
        **transfers(),
        **keys(),
        "ApiKeyPage": _page("ApiKey", "Some API keys, the newest first."),
        **events(),
        **overview(),
        **webhooks(),
        "WebhookPage": _page("Webhook", "Some webhooks, the newest first."),
        "DeliveryPage": _page("Delivery", "Some deliveries to an endpoint, the newest first."),
        **rehearsals(),
        "RehearsalPage": _page("Rehearsal", "Some rehearsals, the newest first."),
        "PurchasePage": _page("Purchase", "Some purchases, the newest first."),
        "ReservationPage": _page("Reservation", "Some reservations, the newest first."),
        "Flaw": _flaw(),
        "Integrity": _integrity(),
        "Health": record("The process is up.", {"status": constant("ok")}),
        "Readiness": _readiness(),
        "Metrics": text("Numbers in the text format of Prometheus, version 0.0.4."),
        "ProblemType": _problem_type(),
        "OpenAPI": {
            "type": "object",
            "description": "This document.",
            "required": ["openapi", "info", "paths", "components"],
        },
        "Page": text("A page for people."),
        "PageFile": {"description": "A file that the page is made of."},
    }
    for name, schema in schemas.items():
        if name in EXAMPLES:
            schema["examples"] = [EXAMPLES[name]]
    return schemas


def _common() -> dict[str, JSONSchema]:
    return {
        "Id": text(
            "24 hexadecimal digits in lower case; they sort by time of creation.",
            pattern="^[0-9a-f]{24}$",
        ),
        "Moment": text(
            "A time in UTC, to the millisecond (RFC 3339).",
            format="date-time",
            pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$",
        ),
        "Amount": text(
            "An exact amount of money, with the decimal places of its currency.",
            pattern=r"^[0-9]+(\.[0-9]+)?$",
            examples=["89.90"],
        ),
        "CustomerLimit": record(
            "How many units one customer may buy within a window of time.",
            {
                "quantity": whole(1, limits.QUANTITY_MAX),
                "window_seconds": whole(1, limits.WINDOW_SECONDS_MAX),
            },
        ),
    }


def _product() -> JSONSchema:
    attribute = {"type": ["string", "number", "boolean"]}
    return record(
        "A product with what can be bought of it now.",
        {
            "id": identifier("The product's id."),
            "sku": nullable(text()),
            "name": text(),
            "description": text(),
            "price": amount("What one unit costs."),
            "currency": currency(),
            "tags": {"type": "array", "items": text(), "maxItems": limits.TAGS_MAX},
            "attributes": {"type": "object", "additionalProperties": attribute},
            "low_stock_threshold": whole(0, limits.STOCK_INITIAL_MAX),
            "oversell_limit": whole(0, limits.OVERSELL_LIMIT_MAX),
            "max_per_order": nullable(whole(1, limits.QUANTITY_MAX)),
            "max_per_customer": nullable(reference("CustomerLimit")),
            "version": whole(1, 2**53, "Rises by one with every edit; sales do not change it."),
            "created_at": moment("When it was created."),
            "updated_at": moment("When it was last edited."),
            "stock": balance("Units that can be bought; below zero if it was oversold."),
            "held": held(),
            "stock_version": stock_version(),
            "availability": choice(Availability, "What a shopper may be told."),
        },
    )


def _movement() -> JSONSchema:
    change = (-limits.DELTA_MAX, limits.DELTA_MAX)
    return record(
        "One immutable row of a product's ledger.",
        {
            "id": identifier("The movement's id; of a purchase, the purchase's id as well."),
            "product_id": identifier("Whose stock moved."),
            "version": whole(1, 2**53, "Its place in the product's ledger; there are no gaps."),
            "kind": choice(Kind, "What brought it about."),
            "delta": whole(*change, "By how many units the stock changed."),
            "held_delta": whole(*change, "By how many units what is held changed."),
            "balance": balance("The stock right after it."),
            "held_balance": whole(0, limits.STOCK_MAX, "What was held right after it."),
            "reason": nullable(text("Why somebody adjusted the stock, or gave units back.")),
            "reference": nullable(text()),
            "note": nullable(text()),
            "customer_id": nullable(text()),
            "actor": nullable(
                identifier("The API key with which it was asked for; of what time did, none.")
            ),
            "purchase_id": nullable(identifier("The purchase that it belongs to.")),
            "reservation_id": nullable(identifier("The reservation that it belongs to.")),
            "at": moment("When it happened."),
        },
    )


def _stock() -> JSONSchema:
    return record(
        "The counters of a product at one moment.",
        {
            "available": balance("Units that could be bought; below zero if oversold."),
            "held": held(),
            "version": stock_version(),
            "as_of": moment("The moment."),
        },
    )


def _flaw() -> JSONSchema:
    return record(
        "Something that is wrong with the books.",
        {
            "code": choice(Code, "What is wrong, for programs."),
            "product_id": nullable(identifier("Whose books they are, if that can be said.")),
            "detail": text("What is wrong, for people."),
        },
    )


def _integrity() -> JSONSchema:
    flaws = {"type": "array", "items": reference("Flaw"), "maxItems": limits.PROBLEMS_ANSWERED_MAX}
    return record(
        "What a check of the books came to.",
        {
            "ok": truth("Nothing is wrong with what was checked; false also if nothing could be."),
            "complete": truth("The check came to its end before its time was up."),
            "checked": whole(0, 2**53, "How many products were checked."),
            "problems": described(
                flaws, "What is wrong, a product and code at a time; of very many the first."
            ),
            "problems_total": whole(0, 2**53, "How many problems were found."),
            "next_cursor": nullable(
                text("`cursor` of the check that goes on; null: it does not go on.", minLength=1)
            ),
            "units": nullable(_units()),
        },
    )


def _units() -> JSONSchema:
    return record(
        "What became of the units of the one product that was checked: those `stocked` are sold, "
        "available or held. What was returned and is on sale again was stocked once more.",
        {
            "stocked": whole(-(2**53), 2**53, "Came in, less what was lost or written off."),
            "sold": whole(0, 2**53, "Left with a purchase."),
            "available": whole(-(2**53), 2**53, "Are for sale; below 0 what is owed."),
            "held": whole(0, 2**53, "Wait for a checkout."),
        },
    )


def _readiness() -> JSONSchema:
    redis = {"type": "string", "enum": ["ok", "degraded", "off"]}
    return record(
        "The service can do its work.",
        {
            "status": constant("ready"),
            "mongodb": constant("ok"),
            "redis": described(redis, "Without Redis reads are slower, and nothing else."),
        },
    )


def _problem_type() -> JSONSchema:
    return record(
        "One kind of problem: what the `type` of a problem document points to.",
        {
            "type": text("Where this is found.", format="uri-reference"),
            "code": text("What programs tell problems apart by.", pattern="^[a-z_]+$"),
            "title": text("Its name for people."),
            "status": whole(400, 599, "The HTTP status that it comes with."),
            "description": text("What has happened."),
            "retry": text("Whether and how to try again."),
        },
    )


def _page(of: str, description: str) -> JSONSchema:
    items = {"type": "array", "items": reference(of), "maxItems": limits.PAGE_SIZE_MAX}
    cursor = text("`cursor` of the next page; null: this is the last one.", minLength=1)
    return record(
        description, {"items": described(items, "The page."), "next_cursor": nullable(cursor)}
    )
