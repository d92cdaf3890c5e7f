"""What a WSGI server imports: `app`. Knows the environment and the composition root."""

import os

from inventory.app import Instruments, create_app
from inventory.errors import DatabaseNotReady
from inventory.giving_up import give_up
from inventory.serving import require_extras
from inventory.settings import Settings, SettingsError


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
    give_up(error)
