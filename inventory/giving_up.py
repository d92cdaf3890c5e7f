"""How a worker ends the whole service, because an operator has to act first.

Knows gunicorn's ways, not the service.
"""

import os
import sys
import time
from pathlib import Path
from typing import NoReturn

# gunicorn's exit code for "do not try again": any other, and it would restart workers for ever.
DO_NOT_RESTART = 4
# gunicorn trips over a second one that ends so while it stops: it ends otherwise, and later.
AFTER_OTHERS_SECONDS = 1.0
STOP_SECONDS_MAX = 60.0


def give_up(problem: object) -> NoReturn:
    """Say what is wrong, once for all workers of a gunicorn, and let it start no more of them."""
    if not _is_first():
        time.sleep(AFTER_OTHERS_SECONDS)
        sys.exit(0)
    sys.stderr.write(f"{problem}\n")
    sys.exit(DO_NOT_RESTART)


def _is_first() -> bool:
    """Tell whether no other worker of this gunicorn is giving up as well."""
    shared = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if not shared:
        return True
    marker = Path(shared) / f"given-up-{os.getppid()}"
    try:
        marker.touch(exist_ok=False)
    except FileExistsError:
        return time.time() - marker.stat().st_mtime > STOP_SECONDS_MAX
    return True
