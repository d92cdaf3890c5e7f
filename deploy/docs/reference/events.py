"""The page of the events, from their types and the members of `Event`."""

from dataclasses import fields
from inspect import cleandoc

from deploy.docs.pages import Generated
from deploy.docs.reference.markdown import code, compose, paragraphs, table
from inventory.domain.events import Event, EventType

_ABOUT = """\
What others may want to be told of. Events are read off the ledger, so nothing that happened is
missing, whoever did it and whatever died."""


def page() -> Generated:
    """Return the page."""
    rows = ((code(type), type.replace(".", " ")) for type in EventType)
    text = compose(
        "Events",
        _ABOUT,
        table(("type", "what happened"), rows),
        "## What an event says",
        paragraphs(cleandoc(Event.__doc__ or "")),
        "Its members: " + ", ".join(code(member.name) for member in fields(Event)) + ".",
    )
    return Generated(
        "reference/events.md",
        "Events",
        "what others can be told of",
        text,
        "inventory/domain/events.py",
    )
