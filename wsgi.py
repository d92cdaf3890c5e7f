"""What a WSGI server imports: `app`. Knows the environment and the composition root."""

import os
import signal
import sys
import time
from pathlib import Path

from inventory.app import create_app
from inventory.errors import DatabaseNotReady
from inventory.settings import Settings, SettingsError

# gunicorn's exit code for "do not try again": any other, and it would restart workers for ever.
DO_NOT_RESTART = 4
# For so long a worker waits for gunicorn to stop it, after another one has said what is wrong.
STOPPED_SECONDS_MAX = 10.0


def _await_stop() -> None:
    """Wait to be stopped: gunicorn trips over a second worker that gives up while it stops."""
    for number in (signal.SIGTERM, signal.SIGQUIT):
        signal.signal(number, lambda *_: sys.exit(0))
    time.sleep(STOPPED_SECONDS_MAX)


def _is_first() -> bool:
    """Tell whether no other worker of this gunicorn has given up before."""
    shared = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    try:
        if shared:
            (Path(shared) / "given-up").touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


try:
    app = create_app(Settings.from_env(os.environ))
except (SettingsError, DatabaseNotReady) as error:
    if not _is_first():
        _await_stop()
    sys.stderr.write(f"{error}\n")
    sys.exit(DO_NOT_RESTART)
