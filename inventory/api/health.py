"""Whether the process is up, whether it can serve, and what it has counted."""

from flask import Blueprint, Response

from inventory.api.context import context
from inventory.api.contract import contract
from inventory.api.responses import answer
from inventory.domain.keys import Scope
from inventory.errors import DatabaseNotReady, StorageUnavailable
from inventory.telemetry.metrics import MEDIA_TYPE

bp = Blueprint("health", __name__)


@bp.get("/healthz")
@contract("Is the process up?", {200: "Health"}, scope=None, stores=False)
def get_health() -> Response:
    """Answer without touching anything: a process that answers need not be restarted."""
    return answer({"status": "ok"})


@bp.get("/readyz")
@contract(
    "Can it serve?",
    {200: "Readiness"},
    scope=None,
    problems=(StorageUnavailable, DatabaseNotReady),
    stores=False,
)
def get_readiness() -> Response:
    """Answer 200 while MongoDB serves; without Redis reads are slower, and nothing else."""
    return answer({"status": "ready", "mongodb": "ok", "redis": context().health.check()})


@bp.get("/metrics")
@contract(
    "What was counted",
    {200: "Metrics"},
    scope=Scope.METRICS_READ,
    produces=("text/plain",),
    stores=False,
)
def get_metrics() -> Response:
    """Answer with the numbers of all workers, in the text format of Prometheus."""
    return Response(context().metrics.exposition(), content_type=MEDIA_TYPE)
