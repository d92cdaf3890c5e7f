"""What a schema found wrong, as clients are told of it: messages by field, on one level."""

from typing import Any

Faults = dict[str, list[str]]


def flat(messages: Any, path: str = "") -> Faults:
    """Turn nested messages into one level: `max_per_customer.quantity`, `tags.0`."""
    if isinstance(messages, dict):
        found: Faults = {}
        for name, inner in messages.items():
            # A name that a client sent may hold half of a surrogate pair, which no answer can.
            shown = "body" if name == "_schema" else str(name).encode(errors="replace").decode()
            found |= flat(inner, f"{path}.{shown}" if path else shown)
        return found
    return {path: [str(message) for message in messages]}
