"""The control: the service as it is, but for when it acknowledges: before the journal is on disk.

Its power cuts have to lose what was acknowledged. If they do not, the others prove nothing.
"""

import os
from contextlib import AbstractContextManager
from typing import Any
from unittest.mock import patch

from flask import Flask
from pymongo import MongoClient, WriteConcern

from inventory.app import create_app as create_real_app
from inventory.repository import mongo
from inventory.settings import Settings

EARLY = WriteConcern(w=1, j=False)


def acknowledging_early() -> AbstractContextManager[object]:
    """Let clients and transactions that are made inside the block not wait for the journal."""
    return patch.multiple(mongo, DURABLE=EARLY, MongoClient=_early_client)


def create_app() -> Flask:
    """Build the app of this process, after any fork; it stays as it is for good."""
    acknowledging_early().__enter__()
    return create_real_app(Settings.from_env(os.environ))


def _early_client(*arguments: Any, **options: Any) -> MongoClient[Any]:
    return MongoClient(*arguments, **{**options, "w": 1, "journal": False})
