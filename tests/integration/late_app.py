"""An application whose import waits until somebody opens a gate: to test how servers start."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

# A pipe: it comes to an end when somebody has opened and closed it for writing.
Path(os.environ["LATE_APP_GATE"]).read_bytes()


def app(_environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Answer everything in the same way."""
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", "2")])
    return [b"{}"]
