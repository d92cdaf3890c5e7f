"""A span for each group of the stock engine.

One group works for many requests, so it can be no child of any: it begins a trace of its own. It
links to the requests that it worked for, and each of them to it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from opentelemetry.trace import Link, SpanContext, SpanKind, Tracer, get_current_span

from inventory.domain.postings.base import Result
from inventory.stock.changes import Change
from inventory.stock.engine import StockEngine
from inventory.stock.group import Waiting
from inventory.tracing import spans


@dataclass(slots=True)
class _Asked:
    """The span in which a change was asked for, and later the one of its group."""

    span: SpanContext
    group: SpanContext | None = None


class TracedEngine(StockEngine):
    """A stock engine; a group has a span if one of its requests has one that will be sent."""

    def __init__(self, tracer: Tracer, *parts: Any) -> None:
        super().__init__(*parts)
        self._tracer = tracer
        self._asked: dict[str, _Asked] = {}

    def submit(self, change: Change, deadline: float) -> Result:
        """Carry out one change, and link its request to the group that did it."""
        span = get_current_span()
        if not span.is_recording():
            return super().submit(change, deadline)
        asked = self._asked[change.id] = _Asked(span.get_span_context())
        try:
            return super().submit(change, deadline)
        finally:
            self._asked.pop(change.id, None)
            if asked.group is not None:
                span.add_link(asked.group)

    def _work(self, tickets: Sequence[Waiting], deadline: float) -> None:
        asked = [one for ticket in tickets if (one := self._asked.get(ticket.item.id))]
        if not asked:
            super()._work(tickets, deadline)
            return
        links = [Link(one.span) for one in asked]
        attributes = {"inventory.group.changes": len(tickets)}
        with spans.current(
            self._tracer, "stock.group", SpanKind.INTERNAL, attributes, links=links
        ) as span:
            for one in asked:
                one.group = span.get_span_context()
            spans.tell_logs(span.get_span_context())
            super()._work(tickets, deadline)
