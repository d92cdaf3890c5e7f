"""Where the checks are wrong about this API: every complaint that is no finding, and why.

JSON Schema tells what a request looks like. Whether it can be carried out depends on what happened
before, on the time and on the rules between fields that no schema can say. Nothing else is excused:
a complaint is dropped only if every single fault that the answer names is one of these.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from schemathesis import Case, Response
from schemathesis.core.failures import AcceptedNegativeData, Failure
from schemathesis.openapi.checks import RejectedPositiveData, UseAfterFree


@dataclass(frozen=True, slots=True)
class Excuse:
    """Why a well-formed request may be refused."""

    why: str
    # Of a problem with this code, or of a fault with this end of a field's name and this message.
    code: str = ""
    field: str = ""
    message: str = ""

    def covers_code(self, code: str) -> bool:
        """Tell whether a refusal with this code is one of these."""
        return bool(self.code) and self.code == code

    def covers_fault(self, field: str, message: str) -> bool:
        """Tell whether a fault of a field is one of these."""
        return bool(self.message) and field.endswith(self.field) and self.message in message


# What the state of the shop decides: the request is well formed, and too late or against a rule.
# (Schemathesis itself excuses 404 and 409.)
STATE = (
    Excuse("somebody changed it meanwhile, as If-Match is there to tell", code="stale_version"),
    Excuse("the key was used for something else", code="idempotency_key_reused"),
    Excuse("the hold ran out, and the units are gone", code="reservation_expired"),
    Excuse("this product wants to know its customer", code="customer_id_required"),
    Excuse("a purchase has one currency", code="mixed_currencies"),
    Excuse("what a table is, no schema of a text can say", code="malformed_csv"),
)
# What a schema cannot say of a field.
FIELDS = (
    Excuse("cursors are made by the service", field="cursor", message="Not a cursor of this list."),
    Excuse("what has happened is not known before", field="after", message="No event has this"),
    Excuse("the clock decides", field="as_of", message="This time is in the future."),
    Excuse("the clock decides", field="counted_at", message="This time is in the future."),
    Excuse("the clock decides", field="counted_at", message="This is too long ago; count again."),
    Excuse("the clock decides", field="expires_at", message="This time is past."),
    Excuse("the currency decides", field="price", message=" decimal places."),
    Excuse("a schema cannot count the digits of a number", message="A number has at most "),
    Excuse("what a word is, is more than a pattern", field="q", message=" words."),
    Excuse("lines are added up", field="lines", message=" units of one product."),
    Excuse("id and sku may name the same", field="lines", message="The same product twice"),
    Excuse("where a URL leads is more than a pattern", field="url", message="."),
    Excuse("a patch is added to what is there", field="attributes", message=" attributes."),
)
# Rows of an import that are wrong are told one by one, in an answer that is none of a problem.
ROW_BY_ROW = "a row that is wrong is told in its result"
MULTI_STATUS = 207
PROBLEM = "application/problem+json"
HISTORY = "what happened to a deleted product stays on record"
REVOKED = "a revoked key opens nothing, and stays to tell whose changes it made"
KEY = "/api/keys/{key_id}"
INTEGER = "JSON Schema takes 1.0 for an integer; this API refuses it"


def excuse_for(failure: Failure, case: Case[Any], response: Response) -> str | None:
    """Return why a complaint is no finding, None if it is one."""
    if isinstance(failure, UseAfterFree):
        return _excuse_for_what_stays(case, response)
    if isinstance(failure, AcceptedNegativeData) and response.status_code == MULTI_STATUS:
        return ROW_BY_ROW
    return (
        _excuse_for_refusal(case, response) if isinstance(failure, RejectedPositiveData) else None
    )


def _excuse_for_what_stays(case: Case[Any], response: Response) -> str | None:
    if case.operation.path == KEY and response.json().get("revoked_at"):
        return REVOKED
    return HISTORY if _reads_history(case) else None


def _reads_history(case: Case[Any]) -> bool:
    """Tell whether a read is of what is kept when a product is deleted."""
    _, _, about = case.operation.path.rpartition("/")
    return about in ("movements", "integrity") or (about == "stock" and "as_of" in case.query)


def _excuse_for_refusal(case: Case[Any], response: Response) -> str | None:
    if response.headers.get("content-type") != [PROBLEM]:
        return None
    problem = response.json()
    for excuse in STATE:
        if excuse.covers_code(problem["code"]):
            return excuse.why
    reasons = [
        _excuse_for_fault(field, message, case.body)
        for field, messages in problem.get("errors", {}).items()
        for message in messages
    ]
    return reasons[0] if reasons and all(reasons) else None


def _excuse_for_fault(field: str, message: str, body: Any) -> str | None:
    for excuse in FIELDS:
        if excuse.covers_fault(field, message):
            return excuse.why
    if message == "Not a valid integer." and any(_is_whole(value) for value in _at(body, field)):
        return INTEGER
    return None


def _is_whole(value: Any) -> bool:
    return isinstance(value, float) and value.is_integer()


def _at(body: Any, path: str) -> Iterator[Any]:
    """Yield what stands at a path such as `lines.0.quantity`, if anything does."""
    for part in path.split("."):
        if isinstance(body, dict) and part in body:
            body = body[part]
        elif isinstance(body, list) and part.isdecimal() and int(part) < len(body):
            body = body[int(part)]
        else:
            return
    yield body
