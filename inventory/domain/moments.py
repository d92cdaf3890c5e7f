"""Times as the service writes them."""

from datetime import datetime


def moment(at: datetime) -> str:
    """Return a time in UTC as RFC 3339 with milliseconds."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
