"""The last word about the books: what the service itself says of them, all of them."""

import http.client
import os
import subprocess
import sys
from collections.abc import Callable

from inventory.serving import PROJECT
from loadtests.books import Api


def problems_of(
    url: str, mongo_url: str | None, say: Callable[[str], None], api_key: str | None = None
) -> list[str]:
    """Return what is wrong with the books of a service that has come to rest.

    Asks the service, page by page. A product whose history is too long for one request is left to
    the command line, which has no such limit; where nobody says which database that is, the books
    count as unchecked, which is a problem as well.
    """
    checked, cursor = 0, ""
    with Api(url, api_key) as api:
        while True:
            reply = api.request("GET", f"/api/integrity{cursor}")
            if reply.status != http.client.OK:
                say(f"GET /api/integrity answered {reply.status}, so the command line checks.")
                return problems_by_command(mongo_url)
            page = reply.json()
            checked += page["checked"]
            if not page["ok"]:
                return [f"The books are wrong: {problem}" for problem in page["problems"]]
            if page["next_cursor"] is None:
                break
            cursor = f"?cursor={page['next_cursor']}"
    if page["complete"]:
        say(f"GET /api/integrity: the books of {checked:,} products are right.")
        return []
    say("A history is too long for GET /api/integrity, so the command line checks.")
    return problems_by_command(mongo_url)


def problems_by_command(mongo_url: str | None) -> list[str]:
    """Return what `python -m inventory integrity` finds wrong; it needs no service."""
    if mongo_url is None:
        return ["The books were not checked to the end."]
    ended = subprocess.run(
        [sys.executable, "-m", "inventory", "integrity"],
        cwd=PROJECT,
        env={**os.environ, "MONGO_URL": mongo_url},
        capture_output=True,
        text=True,
        check=False,
    )
    return [] if ended.returncode == 0 else [(ended.stdout + ended.stderr).strip()]
