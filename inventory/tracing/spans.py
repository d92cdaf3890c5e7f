"""How a span begins and ends.

What went wrong is told by its kind, never by its words: those may hold what a shopper has sent.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from opentelemetry.context import Context
from opentelemetry.trace import (
    Link,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    Tracer,
    format_span_id,
    format_trace_id,
    get_current_span,
)

from inventory.telemetry import logs

Attributes = Mapping[str, str | int]


@contextmanager
def current(
    tracer: Tracer,
    name: str,
    kind: SpanKind,
    attributes: Attributes,
    parent: Context | None = None,
    links: Sequence[Link] = (),
) -> Iterator[Span]:
    """Let everything inside the block happen in a span; an exception makes it a failed one."""
    with tracer.start_as_current_span(
        name,
        parent,
        kind,
        attributes,
        links,
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            yield span
        except BaseException as error:
            failed(span, type(error).__name__)
            raise


def failed(span: Span, kind: str) -> None:
    """Say of a span that it came to nothing, and the kind of trouble."""
    span.set_attribute("error.type", kind)
    span.set_status(Status(StatusCode.ERROR))


def is_watched() -> bool:
    """Tell whether what happens now belongs to a span that will be sent."""
    return get_current_span().is_recording()


def tell_logs(of: SpanContext) -> None:
    """Let the lines of this thread name a span."""
    logs.trace.set((format_trace_id(of.trace_id), format_span_id(of.span_id)))
