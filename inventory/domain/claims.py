"""The right to carry out an idempotent request, made before the request has any effect."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from inventory.errors import InventoryError


@dataclass(frozen=True, slots=True)
class RequestKey:
    """What identifies an idempotent request.

    `id` is a digest of the caller and the key that it sent, `fingerprint` one of what it asked for.
    `request_id` names the request in which the key came first.
    """

    id: str
    fingerprint: str
    request_id: str


@dataclass(frozen=True, slots=True)
class Claim:
    """One request key, claimed by one process until `fence` by the database's clock.

    Each attempt has an operation id of its own, under which its effect can be found: at the product
    `product_id`, where that is said. A refusal is kept as `{code, message, details}`; `result` is
    what a transaction's effect was.
    """

    id: str
    fingerprint: str
    request_id: str
    operation_id: str
    fence: datetime
    created_at: datetime
    product_id: str | None = None
    attempt: int = 1
    refusal: Mapping[str, Any] | None = None
    result: Mapping[str, Any] | None = None

    @classmethod
    def of(
        cls,
        key: RequestKey,
        operation_id: str,
        now: datetime,
        fence: datetime,
        product_id: str | None = None,
    ) -> "Claim":
        """Begin the first attempt of a request."""
        return cls(key.id, key.fingerprint, key.request_id, operation_id, fence, now, product_id)

    def next_attempt(
        self, operation_id: str, fence: datetime, request_id: str, product_id: str | None = None
    ) -> "Claim":
        """Return the claim as the request that takes over holds it.

        What the request names may be another product by now.
        """
        return replace(
            self,
            operation_id=operation_id,
            fence=fence,
            request_id=request_id,
            product_id=product_id,
            attempt=self.attempt + 1,
        )

    def refuse(self, problem: InventoryError) -> "Claim":
        """Return the claim with the definite no that it met."""
        kept = {"code": problem.code, "message": problem.message, "details": problem.details}
        return replace(self, refusal=kept)
