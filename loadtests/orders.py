"""Sends an order as a client does: once, written down before it is sent and after it is answered.

Knows the HTTP contract and the journal.
"""

import http.client

from loadtests.books import Api
from loadtests.journal import Answer, Journal, Order


def send(api: Api, order: Order, notes: Journal) -> Answer | None:
    """Send an order once; return the answer, None if none came."""
    attempt = notes.sending(order)
    try:
        reply = api.request("POST", order.path, order.body, order.headers)
    except (OSError, http.client.HTTPException):
        return None
    return notes.answered(attempt, reply.status, reply.body, replayed=reply.replayed)
