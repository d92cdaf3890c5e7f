"""Writes the pages that the code itself can tell, from the live objects, at each build.

Needs no server: what is asked are schemas, routes, settings, limits, commands and counters, not
the service.
"""

from deploy.docs.pages import Generated
from deploy.docs.reference import commands, events, http, limits, metrics, problems, settings


def pages() -> list[Generated]:
    """Return all of them, in the order in which they are listed."""
    return [
        *http.pages(),
        problems.page(),
        events.page(),
        settings.page(),
        limits.page(),
        commands.page(),
        metrics.page(),
    ]
