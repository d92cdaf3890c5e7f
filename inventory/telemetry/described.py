"""Every number that `/metrics` tells: its name, its type, its labels, and what it means.

This is the one list: what is counted, what is asked for at a scrape, `docs/operations.md`, the
alerts and the board all go by it. Help texts are short, because they stand in the files of the
workers with every single number.
"""

from dataclasses import dataclass
from typing import Literal

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0)
_OPERATIONS = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)


@dataclass(frozen=True, slots=True)
class Described:
    """One metric as Prometheus knows it; the name of a counter ends in `_total`.

    What is `shared` is asked of the stores at a scrape, so all instances tell the same: whoever
    puts them together takes the greatest, not the sum. Of a counter with one label, `expected` are
    values that are told from the start: the first event would not look like a rise otherwise.
    """

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    shared: bool = False
    expected: tuple[str, ...] = ()


def _counter(
    name: str, help: str, *labels: str, shared: bool = False, expected: tuple[str, ...] = ()
) -> Described:
    full = f"inventory_{name}"
    return Described(full, "counter", help, labels, shared=shared, expected=expected)


def _gauge(name: str, help: str, *labels: str, shared: bool = False) -> Described:
    return Described(f"inventory_{name}", "gauge", help, labels, shared=shared)


def _histogram(
    name: str, help: str, *labels: str, buckets: tuple[float, ...] = _SECONDS
) -> Described:
    return Described(f"inventory_{name}", "histogram", help, labels, buckets)


DESCRIBED = (
    # --- requests ---------------------------------------------------------------------------------
    _counter(
        "requests_total",
        "Answered requests; the route is `none` where none was met.",
        *("route", "method", "status"),
    ),
    _histogram("request_seconds", "Time from a request's first hook to its answer.", "route"),
    _histogram("purchase_seconds", "The same, of purchases that were made or refused."),
    _counter("refusals_total", "Answers that are problems, by their code.", "code"),
    _counter(
        "requests_limited_total",
        "Requests that were refused because their client had sent too many.",
    ),
    _gauge("requests_working", "Requests that are being worked on."),
    # --- the sale ---------------------------------------------------------------------------------
    _counter("purchases_total", "Purchases made, carts and committed holds among them."),
    _counter("units_sold_total", "Units that these purchases took."),
    # --- the engine -------------------------------------------------------------------------------
    _histogram(
        "group_operations", "Changes of stock that were decided together.", buckets=_OPERATIONS
    ),
    _histogram(
        "group_granted_operations",
        "Changes of one group that were carried out.",
        buckets=_OPERATIONS,
    ),
    _histogram(
        "queue_wait_seconds", "Time from the arrival of a change to the beginning of its group."
    ),
    _histogram("group_seconds", "Time that a group took, from its first write to its last answer."),
    _gauge("queue_operations", "Changes of stock that wait for their group."),
    _counter("transactions_total", "Transactions of MongoDB."),
    _counter(
        "transaction_retries_total",
        "Transactions begun anew, mostly because another one changed the same documents first.",
    ),
    _counter(
        "recovery_actions_total",
        "What was tidied up after others, by action.",
        "action",
        expected=("tail_settled", "entry_carried_over", "voided", "hold_expired"),
    ),
    _gauge("archive_lag_seconds", "Age of the oldest entry that is still in a tail.", shared=True),
    _gauge("tails", "Products whose tail holds entries, 500 at most.", shared=True),
    _gauge("tail_entries", "Entries in these tails.", shared=True),
    _gauge("tail_entries_max", "Entries in the longest of these tails.", shared=True),
    # --- holds ------------------------------------------------------------------------------------
    _gauge("reservations_open", "Open holds, 10,000 at most.", shared=True),
    _gauge(
        "reservations_overdue",
        "Holds that have run out and were not taken back yet, 10,000 at most.",
        shared=True,
    ),
    # --- the cache --------------------------------------------------------------------------------
    _counter(
        "cache_events_total",
        "What happened to cached reads and to calls of Redis.",
        "event",
        expected=(
            *("hit", "miss", "joined", "taken", "bypass", "stale"),
            *("redis_failed", "redis_skipped", "breaker_opened"),
        ),
    ),
    _gauge("cache_breaker_open", "Workers that do not ask Redis, because it failed just now."),
    # --- connections and stores -------------------------------------------------------------------
    _gauge("pool_connections", "Connections to a store, by what they do.", "pool", "state"),
    _gauge("pool_connections_max", "Connections to a store that there may be at most.", "pool"),
    _gauge("store_ready", "Whether a store can do its work: 1 or 0.", "store"),
    # --- the processes ----------------------------------------------------------------------------
    _gauge("workers", "Workers that are alive."),
    _counter("worker_starts_total", "Workers that have begun."),
    _gauge("build_info", "1, with the version of the service as a label.", "version"),
    _gauge("scrape_unread", "How many parts of this very answer could not be found out."),
    # --- events and webhooks ----------------------------------------------------------------------
    _gauge("events_lag_seconds", "Time since the ledger was last read for events.", shared=True),
    _counter("events_derived_total", "Events that were derived from the books.", shared=True),
    _counter(
        "webhook_deliveries_total",
        "Attempts to deliver an event, by what became of them.",
        "outcome",
        shared=True,
    ),
    _gauge(
        "webhook_lag_seconds", "Age of the oldest event that somebody has not got yet.", shared=True
    ),
    _gauge("webhook_endpoints", "Endpoints of webhooks, by their state.", "state", shared=True),
)
BY_NAME = {described.name: described for described in DESCRIBED}
