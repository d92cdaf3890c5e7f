"""What a WSGI server imports: `app`. Knows the environment and the composition root."""

import os
import sys

from inventory.app import create_app
from inventory.errors import DatabaseNotReady
from inventory.settings import Settings, SettingsError

# gunicorn's exit code for "do not try again": any other, and it would restart workers for ever.
DO_NOT_RESTART = 4

try:
    app = create_app(Settings.from_env(os.environ))
except (SettingsError, DatabaseNotReady) as error:
    sys.stderr.write(f"{error}\n")
    sys.exit(DO_NOT_RESTART)
