"""The headers and path parameters that operations share."""

from typing import Any

from inventory import limits
from inventory.api.docs_page import FILES
from inventory.api.openapi.building import reference, text, whole
from inventory.api.openapi.problem_types import problem_types
from inventory.api.rates import LIMIT, REMAINING, RESET

JSONSchema = dict[str, Any]

REQUEST_ID = "X-Request-ID"
RETRY_AFTER = "Retry-After"
REPLAYED = "Idempotent-Replayed"
CHALLENGE = "WWW-Authenticate"

_SANE_ID = rf"^[A-Za-z0-9._:/+=-]{{1,{limits.REQUEST_ID_CHARACTERS_MAX}}}$"
_ETAG = '^"[^"]+"$'


def request_headers(*, key_required: bool) -> dict[str, JSONSchema]:
    """Return the headers that clients may send, by name.

    None has an example: the page would fill it in for whoever tries an operation.
    """
    return {
        REQUEST_ID: _sent(
            REQUEST_ID,
            "The request's id in the logs, chosen by the caller; one that is not of letters, "
            f"digits and `._:/+=-`, {limits.REQUEST_ID_CHARACTERS_MAX} at most, is replaced.",
            text(),
        ),
        "Idempotency-Key": _sent(
            "Idempotency-Key",
            "Makes a retry safe: a new key for each change, the same for its retries. A retry "
            f"gets the first answer, for {limits.OPERATION_KEEP_SECONDS // 3600} hours.",
            text(
                minLength=1,
                maxLength=limits.IDEMPOTENCY_KEY_CHARACTERS_MAX,
                pattern="^[!-~]([ -~]*[!-~])?$",
            ),
            required=key_required,
        ),
        "If-Match": _sent(
            "If-Match",
            'The ETag of what the change is based on, such as `"3-17"`. Its part before the hyphen '
            "counts edits and is compared; a sale meanwhile is no conflict. `*` takes whatever "
            "there is.",
            text(minLength=1),
            required=True,
        ),
        "If-None-Match": _sent(
            "If-None-Match",
            'ETags that the client has, such as `"3-17"`; 304 if the answer is one of them.',
            text(),
        ),
        "Cache-Control": _sent(
            "Cache-Control",
            "`no-cache` reads the database instead of the cache.",
            text(),
        ),
    }


def answer_headers() -> dict[str, JSONSchema]:
    """Return the headers that answers may carry, by name."""
    return {
        REQUEST_ID: _given(
            "The request's id in the logs: the caller's if it is sane, else a new one.",
            text(pattern=_SANE_ID),
        ),
        "ETag": _given("Names this very version.", text(pattern=_ETAG, examples=['"3-17"'])),
        "Location": _given("Where what was created is found.", text(format="uri-reference")),
        "X-Cache": _given(
            "Whether the cache knew the answer; `bypass`: it was not asked.",
            text(enum=["hit", "miss", "bypass"]),
        ),
        "Cache-Control": _given(
            "`no-cache`: keep it, and ask whether it still holds before using it; `private`: only "
            "the browser itself may; `no-store`: do not keep it.",
            text(enum=["no-cache", "private, no-cache", "no-store"]),
        ),
        "Set-Cookie": _given("The session for the browser to keep, or to forget.", text()),
        RETRY_AFTER: _given(
            "Seconds to wait before the request is sent again.", whole(0, 3_600), always=False
        ),
        REPLAYED: _given(
            "`true`: this is the answer to an earlier request with the same Idempotency-Key.",
            text(enum=["true"]),
            always=False,
        ),
        "Content-Disposition": _given(
            "Under which name a browser keeps it.", text(examples=['attachment; filename="x"'])
        ),
        CHALLENGE: _given("How to say on whose behalf a request is made.", text()),
        "Allow": _given("The methods that there are.", text(examples=["GET, HEAD, OPTIONS"])),
        "Content-Security-Policy": _given("What the page may load: its own files.", text()),
        **_rate_headers(),
    }


def _rate_headers() -> dict[str, JSONSchema]:
    return {
        LIMIT: _given(
            "Requests a minute that the client may send, by the limit that is nearest to its end.",
            whole(1, limits.RATE_MAX),
            always=False,
        ),
        REMAINING: _given(
            "Requests that this limit still has room for now.",
            whole(0, limits.RATE_MAX),
            always=False,
        ),
        RESET: _given(
            "Seconds until there is room for all of them again, if none is sent until then.",
            whole(0, 2 * limits.RATE_WINDOW_SECONDS),
            always=False,
        ),
    }


def path_parameter(name: str) -> JSONSchema:
    """Return the parameter with this name in a path."""
    if name.endswith("_id"):
        noun = name.removesuffix("_id").replace("_", " ")
        schema, description = reference("Id"), f"The {noun}'s id."
    elif name == "code":
        schema, description = text(enum=list(problem_types())), "The `code` of a problem."
    else:
        schema, description = text(enum=list(FILES)), "The name of a file."
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": description,
        "schema": schema,
    }


def _sent(name: str, description: str, schema: JSONSchema, *, required: bool = False) -> JSONSchema:
    return {
        "name": name,
        "in": "header",
        "required": required,
        "description": description,
        "schema": schema,
    }


def _given(description: str, schema: JSONSchema, *, always: bool = True) -> JSONSchema:
    return {"description": description, "required": always, "schema": schema}
