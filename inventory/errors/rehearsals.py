"""What can be wrong with rehearsals."""

from inventory.errors.base import InventoryError, NotFound


class RehearsalNotFound(NotFound):
    """No rehearsal has this id, or it is kept no longer."""

    code = "rehearsal_not_found"
    title = "Rehearsal not found"

    def __init__(self, rehearsal_id: str) -> None:
        super().__init__(f"There is no rehearsal {rehearsal_id!r}.", rehearsal_id=rehearsal_id)


class RehearsalRunning(InventoryError):
    """A rehearsal is under way, and there is one at a time."""

    code = "rehearsal_running"
    title = "Rehearsal running"

    def __init__(self, rehearsal_id: str) -> None:
        super().__init__(
            f"The rehearsal {rehearsal_id} is not over yet.", rehearsal_id=rehearsal_id
        )
