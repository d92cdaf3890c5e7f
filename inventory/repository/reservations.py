"""Reservations: who holds what, until when, and what became of it."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from bson import Int64, ObjectId
from pymongo import DESCENDING, ReplaceOne
from pymongo.database import Database

from inventory.domain.reservations import HeldLine, Reservation, ReservationFilter, State
from inventory.repository.mongo import Document, Session, object_id, reading


class ReservationRepository:
    """Reservations by id. They change in transactions only, together with the counters."""

    def __init__(self, database: Database[Document]) -> None:
        self._reservations = database["reservations"]

    def get(self, reservation_id: str) -> Reservation | None:
        """Return one reservation."""
        with reading():
            document = self._reservations.find_one({"_id": object_id(reservation_id)})
        return None if document is None else reservation_from(document)

    def list_many(self, reservation_ids: Iterable[str]) -> list[Reservation]:
        """Return those of the reservations that there are, in no particular order."""
        ids = _ids(reservation_ids)
        if not ids:
            return []
        with reading():
            found = self._reservations.find({"_id": {"$in": ids}}).to_list()
        return [reservation_from(document) for document in found]

    def page(
        self, wanted: ReservationFilter, now: datetime, before: str | None, count: int
    ) -> list[Reservation]:
        """Return up to `count` reservations made before the one called `before`, newest first.

        Their states are those of `now`: a hold that has run out is expired, be it tidied up or not.
        """
        query = _narrowed(wanted, before)
        if wanted.state is not State.EXPIRED:
            running = {"expires_at": {"$gt": now}} if wanted.state is State.HELD else {}
            found = self._newest(query | running, count, _list_index(wanted))
        else:
            # In this order: what is tidied up in between is found twice, and never missed.
            due = _held(query | {"expires_at": {"$lte": now}})
            overdue = self._newest(due, count, _due_index(wanted))
            found = overdue + self._newest(query, count, _list_index(wanted))
        each = {reservation.id: reservation.as_of(now) for reservation in found}
        return sorted(each.values(), key=lambda one: one.id, reverse=True)[:count]

    def _newest(self, query: Document, count: int, index: str) -> list[Reservation]:
        with reading():
            cursor = self._reservations.find(query).sort("_id", DESCENDING).limit(count)
            return [reservation_from(document) for document in cursor.hint(index)]

    def list_due(self, now: datetime, count: int) -> list[Reservation]:
        """Return up to `count` holds that have run out by `now`, the oldest first."""
        query = _held({"expires_at": {"$lte": now}})
        with reading():
            cursor = self._reservations.find(query).sort("expires_at", 1).limit(count)
            return [reservation_from(document) for document in cursor]

    def list_due_of(
        self, product_ids: Iterable[str], now: datetime, count: int
    ) -> list[Reservation]:
        """Return up to `count` holds on some products that have run out by `now`."""
        query = _held({"lines.product_id": {"$in": _ids(product_ids)}, "expires_at": {"$lte": now}})
        with reading():
            return [
                reservation_from(document)
                for document in self._reservations.find(query).limit(count)
            ]

    def next_releases(self, product_ids: Iterable[str], now: datetime) -> dict[str, datetime]:
        """Return when the next hold on each of the products runs out, where there is one."""
        found: dict[str, datetime] = {}
        with reading():
            for product_id in product_ids:
                query = _held(
                    {"lines.product_id": object_id(product_id), "expires_at": {"$gt": now}}
                )
                first = self._reservations.find_one(
                    query, {"expires_at": True}, sort={"expires_at": 1}
                )
                if first is not None:
                    found[product_id] = first["expires_at"]
        return found

    def list_in(
        self,
        reservation_ids: Iterable[str],
        customers: Mapping[str, Iterable[str]],
        session: Session,
    ) -> list[Reservation]:
        """Return, as a transaction sees them, reservations and what customers hold.

        `customers` names the products of which somebody's holds are wanted.
        """
        wanted: list[Document] = [
            _held({"customer_id": customer, "lines.product_id": {"$in": _ids(products)}})
            for customer, products in customers.items()
        ]
        if ids := _ids(reservation_ids):
            wanted.append({"_id": {"$in": ids}})
        if not wanted:
            return []
        found = self._reservations.find({"$or": wanted}, session=session)
        return [reservation_from(document) for document in found]

    def put(self, reservations: Iterable[Reservation], session: Session) -> None:
        """Write new and changed reservations inside a transaction."""
        writes = [
            ReplaceOne({"_id": ObjectId(one.id)}, reservation_document(one), upsert=True)
            for one in reservations
        ]
        if writes:
            self._reservations.bulk_write(writes, ordered=False, session=session)


def _held(query: Document) -> Document:
    """Narrow a query to open holds, as the partial indexes do."""
    return query | {"state": str(State.HELD)}


def _narrowed(wanted: ReservationFilter, before: str | None) -> Document:
    query: Document = {}
    if wanted.customer_id is not None:
        query["customer_id"] = {"$eq": wanted.customer_id}
    if wanted.product_id is not None:
        query["lines.product_id"] = object_id(wanted.product_id)
    if wanted.state is not None:
        query["state"] = str(wanted.state)
    elif query:
        # The indexes have the state before the id.
        query["state"] = {"$in": [str(state) for state in State]}
    if before is not None:
        query["_id"] = {"$lt": object_id(before)}
    return query


def _list_index(wanted: ReservationFilter) -> str:
    """Name the index of a list; a customer has fewer reservations than a product."""
    if wanted.customer_id is not None:
        return "of_customer"
    if wanted.product_id is not None:
        return "of_product"
    return "_id_" if wanted.state is None else "in_state"


def _due_index(wanted: ReservationFilter) -> str:
    """Name the index by which holds that have run out are found among open ones."""
    if wanted.customer_id is not None:
        return "held_by_customer"
    return "due" if wanted.product_id is None else "held_of_product"


def _ids(texts: Iterable[str]) -> list[ObjectId]:
    return [id for text in texts if (id := object_id(text))]


def reservation_document(reservation: Reservation) -> Document:
    """Return a reservation as it is stored."""
    return {
        "_id": ObjectId(reservation.id),
        "state": str(reservation.state),
        "lines": [
            {
                "product_id": ObjectId(line.product_id),
                "quantity": Int64(line.quantity),
                "backordered": Int64(line.backordered),
            }
            for line in reservation.lines
        ],
        "customer_id": reservation.customer_id,
        "reference": reservation.reference,
        "created_at": reservation.created_at,
        "expires_at": reservation.expires_at,
        "ended_at": reservation.ended_at,
        "purchase_id": object_id(reservation.purchase_id or ""),
    }


def reservation_from(document: Mapping[str, Any]) -> Reservation:
    """Return the reservation that a document holds."""
    purchase_id = document["purchase_id"]
    return Reservation(
        id=str(document["_id"]),
        state=State(document["state"]),
        lines=tuple(
            HeldLine(
                product_id=str(line["product_id"]),
                quantity=int(line["quantity"]),
                backordered=int(line["backordered"]),
            )
            for line in document["lines"]
        ),
        customer_id=document["customer_id"],
        reference=document["reference"],
        created_at=document["created_at"],
        expires_at=document["expires_at"],
        ended_at=document["ended_at"],
        purchase_id=None if purchase_id is None else str(purchase_id),
    )
