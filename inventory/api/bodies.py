"""Reads what clients send: JSON without surprises, queries without repetition, one key."""

import hashlib
import json
from functools import lru_cache
from typing import Any

from flask import g, request
from marshmallow import Schema, ValidationError
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge, RequestTimeout

from inventory import limits, strict_json
from inventory.api.authentication import current_principal
from inventory.api.problems import (
    IdempotencyKeyRequired,
    InvalidIdempotencyKey,
    MalformedJSON,
    UnsupportedMediaType,
    ValidationFailed,
)
from inventory.api.schemas.faults import flat
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
    """Parse JSON strictly, as `strict_json.parse` does; raise `MalformedJSON`."""
    try:
        return strict_json.parse(body)
    except strict_json.NotJSON as error:
        raise MalformedJSON(str(error)) from error


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
        raise ValidationFailed(flat(error.messages)) from error


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
