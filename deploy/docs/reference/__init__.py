"""Writes the pages that the code itself can tell, from the live objects, at each build.

Needs no server: what is asked are schemas, routes, settings, limits and commands, not the service.
What people have written and tests hold against the code, such as the list of metrics, is not
written once more.
"""

from deploy.docs.pages import Generated
from deploy.docs.reference import commands, http, limits, problems, settings


def pages() -> list[Generated]:
    """Return all of them, in the order in which they are listed."""
    return [
        *http.pages(),
        problems.page(),
        settings.page(),
        limits.page(),
        commands.page(),
    ]
