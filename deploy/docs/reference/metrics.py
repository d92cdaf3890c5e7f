"""The page of the metrics, from what a fresh process would tell Prometheus."""

import re

from deploy.docs.pages import Generated
from deploy.docs.reference.markdown import code, compose, prose, table
from inventory.telemetry.metrics import Metrics

_HELP = re.compile(r"^# HELP (\S+) (.*)\n# TYPE \S+ (\S+)$", re.MULTILINE)
_ABOUT = """\
`GET /metrics` answers them in the text format of Prometheus, all workers of an instance together.
Where API keys are needed, it needs one with the scope `metrics:read`."""


def page() -> Generated:
    """Return the page."""
    found = _HELP.findall(Metrics().exposition().decode())
    rows = ((code(name), kind, prose(about)) for name, about, kind in found)
    text = compose("Metrics", _ABOUT, table(("metric", "kind", "meaning"), rows))
    return Generated(
        "reference/metrics.md",
        "Metrics",
        "what Prometheus is told",
        text,
        "inventory/telemetry/metrics.py",
    )
