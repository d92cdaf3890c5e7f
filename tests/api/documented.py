"""Holds answers against the OpenAPI document, for tests of what it promises."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from openapi_schema_validator import OAS31Validator, oas31_format_checker
from werkzeug.test import TestResponse

from inventory.api.openapi.wording import EXAMPLES

Create = Callable[..., dict[str, Any]]
Call = Callable[..., Any]

PRODUCT = "/api/products/{id}"
PURCHASE = "/api/products/{id}/purchase"
ADJUSTMENTS = "/api/products/{id}/adjustments"
NOWHERE = "/api/products/66f1c0ffee66f1c0ffee0001"
NO_PURCHASE = "/api/purchases/66f1c0ffee66f1c0ffee0001"
NO_HOLD = "/api/reservations/66f1c0ffee66f1c0ffee0001"
UNKNOWN = [{"product_id": "66f1c0ffee66f1c0ffee0001", "quantity": 1}]
FULL = EXAMPLES["NewProductRequest"] | {"price": 89.9, "stock": 3, "oversell_limit": 4}

# What every answer carries, so no operation names it.
ORDINARY = {
    "Content-Type",
    "Content-Length",
    "X-Content-Type-Options",
    "Referrer-Policy",
    "X-Frame-Options",
    "Content-Security-Policy",
}


def operation_of(app: Flask, document: dict[str, Any], method: str, path: str) -> dict[str, Any]:
    """Return the documented operation that serves a path."""
    endpoint, _ = app.url_map.bind("").match(urlsplit(path).path, method=method)
    (found,) = (
        operation
        for operations in document["paths"].values()
        for operation in operations.values()
        if operation["operationId"] == endpoint.rpartition(".")[2]
    )
    return found


def check(document: dict[str, Any], operation: dict[str, Any], response: TestResponse) -> None:
    """Check an answer's status, headers, media type and body by its operation."""
    assert str(response.status_code) in operation["responses"]
    promised = operation["responses"][str(response.status_code)]
    check_headers(document, promised["headers"], response)
    if "content" not in promised:
        assert response.data == b""
        return
    assert response.mimetype in promised["content"]
    if response.is_json:
        check_value(document, promised["content"][str(response.mimetype)]["schema"], response.json)


def check_headers(
    document: dict[str, Any], promised: dict[str, Any], response: TestResponse
) -> None:
    """Check that an answer has the headers that are promised, and no others."""
    assert set(response.headers.keys()) - ORDINARY <= promised.keys()
    for name in promised:
        header = document["components"]["headers"][name]
        assert name in response.headers or not header["required"]
        if name in response.headers:
            text = response.headers[name]
            value = int(text) if header["schema"]["type"] == "integer" else text
            check_value(document, header["schema"], value)


def check_value(document: dict[str, Any], schema: dict[str, Any], value: Any) -> None:
    """Check a value by a schema whose references lead into the document."""
    whole = {"components": document["components"], **schema}
    OAS31Validator(whole, format_checker=oas31_format_checker).validate(value)


def key(text: str) -> dict[str, str]:
    """Return the header that makes a request idempotent."""
    return {"Idempotency-Key": text}
