"""When, on what and with what something was measured."""

import os
import platform
import re
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from redis import Redis

from inventory.serving import PROJECT

PACKAGES = ("flask", "gunicorn", "gevent", "pymongo", "redis")
CPU_MODEL = re.compile(r"^model name\s*:\s*(.+)$", re.MULTILINE)


def look(
    client: MongoClient[dict[str, Any]], redis_url: str, nginx: Path | None = None
) -> Mapping[str, str]:
    """Return what is known of machine, system, servers, packages and code, as people read it."""
    model = CPU_MODEL.search(Path("/proc/cpuinfo").read_text())
    with Redis.from_url(redis_url) as valkey:
        server = valkey.info("server")
    return {
        "measured": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "commit": _commit(),
        "machine": f"{os.cpu_count()} x {model[1] if model else platform.machine()}",
        "system": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "mongod": str(client.server_info()["version"]),
        "Valkey": str(server.get("valkey_version") or server["redis_version"]),
        **({"nginx": _nginx_version(nginx)} if nginx else {}),
        **{name: version(name) for name in PACKAGES},
        "load average before": f"{os.getloadavg()[0]:.2f}",
    }


def _nginx_version(binary: Path) -> str:
    told = subprocess.run([binary, "-v"], capture_output=True, text=True, check=True).stderr
    return told.strip().rpartition("/")[2]


def _commit() -> str:
    """Return the commit that was measured, and whether anything was changed since."""

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(PROJECT), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()

    commit = git("rev-parse", "--short", "HEAD") or "unknown"
    return f"{commit} and changes" if git("status", "--porcelain", "-uno") else commit
