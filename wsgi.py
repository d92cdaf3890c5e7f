"""What a WSGI server imports: `app`. Knows the environment and the composition root."""

import os
import sys
import time
from pathlib import Path

from inventory.app import Instruments, create_app
from inventory.errors import DatabaseNotReady
from inventory.serving import require_extras
from inventory.settings import Settings, SettingsError

# gunicorn's exit code for "do not try again": any other, and it would restart workers for ever.
DO_NOT_RESTART = 4
# gunicorn trips over a second one that ends so while it stops: it ends otherwise, and later.
AFTER_OTHERS_SECONDS = 1.0
STOP_SECONDS_MAX = 60.0


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


def _instruments(settings: Settings) -> Instruments | None:
    """Return what watches the service, if an operator wants that; else nothing of it is loaded."""
    if not settings.tracing:
        return None
    require_extras(settings)
    from inventory.tracing import Tracing  # noqa: PLC0415 - an extra

    return Tracing()


try:
    _settings = Settings.from_env(os.environ)
    app = create_app(_settings, _instruments(_settings))
except (SettingsError, DatabaseNotReady) as error:
    if not _is_first():
        time.sleep(AFTER_OTHERS_SECONDS)
        sys.exit(0)
    sys.stderr.write(f"{error}\n")
    sys.exit(DO_NOT_RESTART)
