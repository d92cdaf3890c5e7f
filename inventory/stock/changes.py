"""What somebody waits for: a change of stock, and the claim under which it is carried out."""

from dataclasses import dataclass

from inventory.domain.claims import Claim
from inventory.domain.postings.base import Posting, Single
from inventory.domain.stock import Operation
from inventory.errors import InventoryError


class ClaimTaken(InventoryError):
    """Somebody has claimed this request before; what became of it is to be found out."""

    code = "claim_taken"
    title = "Claim taken"

    def __init__(self) -> None:
        super().__init__("This request was claimed before.")


@dataclass(frozen=True, slots=True)
class Change:
    """One product's operation, or a posting, with the id under which its effect can be found.

    `claimed` says that the claim was made already, by whoever took over an abandoned attempt;
    `actor` names whoever asks for a posting, as the entry of an operation does itself.
    """

    id: str
    what: Operation | Posting
    claim: Claim | None = None
    claimed: bool = False
    actor: str | None = None

    @property
    def operation(self) -> Operation | None:
        """The operation, if the change is one that one guarded update can carry out."""
        return self.what if isinstance(self.what, Operation) else None

    @property
    def posting(self) -> Posting:
        """The change as a transaction carries it out."""
        return Single(self.what) if isinstance(self.what, Operation) else self.what

    @property
    def weight(self) -> int:
        """How many products it touches; what touches none costs a transaction all the same."""
        if isinstance(self.what, Operation):
            return 1
        return max(1, len(self.what.needs().product_ids))
