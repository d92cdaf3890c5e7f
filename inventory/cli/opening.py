"""Opens the books that the environment names.

Knows where a local run tells its database; what is done with the books is the commands' business.
"""

import os
from contextlib import AbstractContextManager

from inventory.bookkeeping import Bookkeeping, opened
from inventory.local.running import with_mongo_url
from inventory.settings import Settings


def open_books() -> AbstractContextManager[Bookkeeping]:
    """Open the books of the named database, or of the run that is going on here."""
    return opened(Settings.from_env(with_mongo_url(os.environ)))
