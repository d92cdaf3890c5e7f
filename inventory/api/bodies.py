"""Reads what clients send: JSON without surprises, queries without repetition, one key."""

import hashlib
import json
import re
from decimal import Decimal
from functools import lru_cache
from itertools import accumulate
from typing import Any, NoReturn

from flask import g, request
from marshmallow import Schema, ValidationError
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge, RequestTimeout

from inventory import limits
from inventory.api.authentication import current_principal
from inventory.api.problems import (
    Fields,
    IdempotencyKeyRequired,
    InvalidIdempotencyKey,
    MalformedJSON,
    UnsupportedMediaType,
    ValidationFailed,
)
from inventory.domain.claims import RequestKey

JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"


def read_body(schema: Schema, *media_types: str, optional: bool = False) -> Any:
    """Return the request's body as `schema` loads it; numbers with a fraction stay exact.

    Nothing at all stands for an empty object where the body is `optional`.
    """
    if optional and not request.content_type and not _read_bytes(limits.BODY_BYTES_MAX):
        return load(schema, {})
    accepted = media_types or (JSON,)
    # What nearly everybody sends needs no parsing.
    if request.environ.get("CONTENT_TYPE") not in accepted:
        charset = request.mimetype_params.get("charset", "utf-8").lower()
        if request.mimetype not in accepted or charset not in ("utf-8", "utf8"):
            raise UnsupportedMediaType(f"Send {' or '.join(accepted)}, in UTF-8.")
    if request.environ.get("HTTP_CONTENT_ENCODING") not in (None, "", "identity"):
        raise UnsupportedMediaType("Send the body without a Content-Encoding.")
    return load(schema, parse_json(_read_bytes(limits.BODY_BYTES_MAX)))


def _read_bytes(bytes_max: int) -> bytes:
    """Return the body; raise `RequestEntityTooLarge` if it is longer than `bytes_max`.

    One of unknown length is read as far as one byte more, which then tells; if the server does not
    know either where it ends, there is none.
    """
    environ = request.environ
    declared = environ.get("CONTENT_LENGTH", "")
    known = declared.isdecimal() and "HTTP_TRANSFER_ENCODING" not in environ
    if known and int(declared) > bytes_max:
        raise RequestEntityTooLarge
    unknown = bytes_max + 1 if environ.get("wsgi.input_terminated") else 0
    try:
        body: bytes = environ["wsgi.input"].read(int(declared) if known else unknown)
    except TimeoutError as error:
        raise RequestTimeout from error
    if known and len(body) < int(declared):
        raise ClientDisconnected
    if len(body) > bytes_max:
        raise RequestEntityTooLarge
    return body


def parse_json(body: bytes) -> Any:
    """Parse JSON (RFC 8259) strictly: no NaN, no name twice, no floats in between.

    What nests too deep or has too many values is refused before anything is made of it.
    """
    _bound(body)
    try:
        return _DECODER.decode(body.decode("utf-8"))
    except MalformedJSON:
        raise
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise MalformedJSON("The body is not JSON that this service can read.") from error


# A string, closed or not. It never gives back what it took, so that no text costs more than its
# length.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_OPENING, _CLOSING = b"[{", b"]}"
_STEPS = dict.fromkeys(_OPENING, 1) | dict.fromkeys(_CLOSING, -1)
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in _STEPS)


def _bound(body: bytes) -> None:
    """Raise `MalformedJSON` if `body` nests too deep or has too many values.

    Each value but the first stands behind a bracket, a colon or a comma; so short bodies, which are
    nearly all, cannot have too many and need no look.
    """
    opened = body.count(b"[") + body.count(b"{")
    if opened <= limits.JSON_NESTING_MAX and len(body) <= limits.JSON_VALUES_MAX:
        return
    marks = _STRING.sub(b"", body)
    if marks.count(b",") + marks.count(b"[") + marks.count(b"{") > limits.JSON_VALUES_MAX:
        raise MalformedJSON(f"The body has more than {limits.JSON_VALUES_MAX} values.")
    depths = accumulate(_STEPS[byte] for byte in marks.translate(None, _NO_BRACKETS))
    if max(depths, default=0) > limits.JSON_NESTING_MAX:
        raise MalformedJSON(f"The body nests deeper than {limits.JSON_NESTING_MAX} levels.")


def _no_constant(name: str) -> NoReturn:
    raise MalformedJSON(f"{name} is not JSON.")


def _distinct_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise MalformedJSON("An object has the same name twice.")
    return members


_DECODER = json.JSONDecoder(
    parse_float=Decimal, parse_constant=_no_constant, object_pairs_hook=_distinct_names
)


def read_query(schema: Schema) -> dict[str, Any]:
    """Return the request's query as `schema` loads it."""
    return _read_query(schema, request.query_string).copy()


@lru_cache(maxsize=1024)
def _read_query(schema: Schema, _query_string: bytes) -> dict[str, Any]:
    """Load the query of this request once: most who list ask for the same few pages.

    What is refused is not remembered.
    """
    repeated = [name for name, values in request.args.lists() if len(values) > 1]
    if repeated:
        raise ValidationFailed({name: ["Given more than once."] for name in repeated})
    loaded: dict[str, Any] = load(schema, request.args.to_dict())
    return loaded


def load(schema: Schema, data: Any) -> Any:
    """Load `data`; raise `ValidationFailed` with a message for every field at fault."""
    try:
        return schema.load(data)
    except ValidationError as error:
        raise ValidationFailed(_flat(error.messages)) from error


def _flat(messages: Any, path: str = "") -> Fields:
    """Turn nested messages into one level: `max_per_customer.quantity`, `tags.0`."""
    if isinstance(messages, dict):
        flat: Fields = {}
        for name, inner in messages.items():
            # A name that a client sent may hold half of a surrogate pair, which no answer can.
            shown = "body" if name == "_schema" else str(name).encode(errors="replace").decode()
            flat |= _flat(inner, f"{path}.{shown}" if path else shown)
        return flat
    return {path: [str(message) for message in messages]}


_MEANING = json.JSONEncoder(sort_keys=True, default=str, separators=(",", ":"))


def read_request_key(payload: Any, *, required: bool) -> RequestKey | None:
    """Return what identifies this request if it carries an Idempotency-Key.

    The fingerprint is of what the request means, not of its bytes: a client that retries may well
    write the same fields in another order.
    """
    key = request.headers.get("Idempotency-Key")
    if key is None:
        if required:
            raise IdempotencyKeyRequired
        return None
    if not 1 <= len(key) <= limits.IDEMPOTENCY_KEY_CHARACTERS_MAX or not key.isprintable():
        raise InvalidIdempotencyKey
    meaning = _MEANING.encode([request.method, request.path, payload])
    return RequestKey(
        id=_digest(f"{current_principal().id}\n{key}"),
        fingerprint=_digest(meaning),
        request_id=g.request_id,
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
