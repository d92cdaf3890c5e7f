"""What the servers count themselves: mongod's conflicts and connections, the service's groups."""

import re
from dataclasses import dataclass
from typing import Any

from pymongo import MongoClient

from loadtests.books import Api

_GROUPS = re.compile(r"^inventory_group_operations_(sum|count)(?:\{[^}]*\})? (\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Groups:
    """Groups that the service has decided since it started, and the changes in them."""

    groups: float
    changes: float

    def mean_since(self, before: "Groups") -> float | None:
        """Return how many changes a group had since then; None if there was no group."""
        groups = self.groups - before.groups
        return (self.changes - before.changes) / groups if groups else None


def write_conflicts(client: MongoClient[dict[str, Any]]) -> int:
    """Return how often one write has met another one since mongod started.

    mongod tries single writes again by itself and counts them as conflicts. A transaction that
    meets another write is aborted and not among those, so aborts are added.
    """
    status = client.admin.command("serverStatus")
    single = status["metrics"]["operation"]["writeConflicts"]
    return int(single + status["transactions"]["totalAborted"])


def connections(client: MongoClient[dict[str, Any]], application: str) -> tuple[int, int]:
    """Return how many connections mongod holds of one application, and of everybody."""
    everything = client.admin.aggregate(
        [
            {"$currentOp": {"allUsers": True, "idleConnections": True}},
            {"$match": {"appName": application}},
            {"$group": {"_id": "$connectionId"}},
            {"$count": "connections"},
        ]
    ).to_list()
    own = int(everything[0]["connections"]) if everything else 0
    return own, int(client.admin.command("serverStatus")["connections"]["current"])


def groups(url: str) -> Groups:
    """Ask a service for its groups; none where it does not count them."""
    with Api(url) as api:
        return parse_groups(api.request("GET", "/metrics").body)


def parse_groups(exposition: str) -> Groups:
    """Read the groups out of what Prometheus reads."""
    found = {name: float(number) for name, number in _GROUPS.findall(exposition)}
    return Groups(found.get("count", 0.0), found.get("sum", 0.0))
