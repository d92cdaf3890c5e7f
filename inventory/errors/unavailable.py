"""What keeps the service from deciding, or from knowing what was decided."""

from inventory.errors.base import InventoryError


class Unavailable(InventoryError):
    """Something that the service needs did not answer in time."""


class StorageUnavailable(Unavailable):
    """The database could not be reached or did not finish; nothing was changed."""

    code = "storage_unavailable"
    title = "Storage unavailable"

    def __init__(self) -> None:
        super().__init__("The database did not answer in time. Nothing was changed; try again.")


class DatabaseNotReady(Unavailable):
    """The database cannot serve; the message says why and what to do."""

    code = "database_not_ready"
    title = "Database not ready"


class Overloaded(Unavailable):
    """Too many requests are waiting; this one was not begun."""

    code = "overloaded"
    title = "Overloaded"

    def __init__(self) -> None:
        super().__init__("Too many requests are waiting. Nothing was changed; try again.")


class OutcomeUnknown(Unavailable):
    """The database broke off in the middle; nobody knows yet whether the change was applied."""

    code = "outcome_unknown"
    title = "Outcome unknown"

    def __init__(self) -> None:
        super().__init__(
            "The database broke off in the middle of the change. A retry with the same "
            "Idempotency-Key tells what became of it; without a key, look before you repeat it."
        )


class ImportUnfinished(Unavailable):
    """The import came to its end too early: some rows are done, the others were not begun."""

    code = "import_unfinished"
    title = "Import unfinished"

    def __init__(self, rows_done: int) -> None:
        super().__init__(
            f"The first {rows_done} rows are done, the others are not. The same request with the "
            "same Idempotency-Key goes on from there; without a key, rows that are done change "
            "nothing when they come again, but those with a stock_delta add once more.",
            rows_done=rows_done,
        )
