"""`make audit` says "nothing is known" only of what a database was really asked about."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
AUDIT = ROOT / "deploy/audit.py"
HASH = "0" * 64
# One package in two versions, each for some Pythons, and one for another system.
LOCK = f"""\
bread==1.0 ; python_full_version < '3.12' \\
    --hash=sha256:{HASH}
    # via breakfast
bread==2.0 ; python_full_version >= '3.12' \\
    --hash=sha256:{HASH} \\
    --hash=sha256:{HASH}
butter==3.1 ; sys_platform == 'win32' \\
    --hash=sha256:{HASH}
"""
HARM = {
    "id": "PYSEC-2026-1",
    "summary": "It burns.",
    "affected": [
        {
            "package": {"name": "bread", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.0"}]}],
        }
    ],
}


@dataclass
class Database:
    """A database that speaks as OSV does: what it knows, and what it was asked about."""

    url: str
    known: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def database() -> Iterator[Database]:
    """Serve a database on loopback that knows nothing yet."""

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            pin = f"{query['package']['name']}=={query['version']}"
            it.asked.append(pin)
            body = json.dumps({"vulns": it.known[pin]} if pin in it.known else {}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        it = Database(f"http://127.0.0.1:{server.server_port}/v1/query")
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield it
        server.shutdown()
        thread.join()


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    """Write a lock file for more than one platform."""
    file = tmp_path / "requirements.txt"
    file.write_text(LOCK)
    return file


def audit(url: str, lock: Path) -> tuple[int, str]:
    """Return exit code and output of an audit that asks this database."""
    command = [sys.executable, str(AUDIT), "--osv-url", url, str(lock)]
    # Loopback is asked directly, whatever proxy leads out of here.
    direct = {**os.environ, "NO_PROXY": "127.0.0.1,127.0.0.2", "no_proxy": "127.0.0.1,127.0.0.2"}
    ended = subprocess.run(command, env=direct, capture_output=True, text=True, check=False)
    return ended.returncode, ended.stdout + ended.stderr


def test_every_pin_is_asked_about_whatever_platform_it_is_for(
    database: Database, lock: Path
) -> None:
    """Who runs the audit does not decide what is audited."""
    code, said = audit(database.url, lock)
    assert (code, sorted(database.asked)) == (0, ["bread==1.0", "bread==2.0", "butter==3.1"])
    assert "3 of 3 pins asked about, 0 vulnerabilities known" in said


def test_what_is_known_is_told_and_fails(database: Database, lock: Path) -> None:
    """The report names the package, the vulnerability and the version without it."""
    database.known["bread==1.0"] = [HARM]
    code, said = audit(database.url, lock)
    assert code == 1
    assert "KNOWN  bread 1.0: PYSEC-2026-1; mended in 2.0. It burns." in said


def test_a_database_that_is_away_is_no_clean_bill_of_health(database: Database, lock: Path) -> None:
    """Nobody was asked, and that has an exit code of its own."""
    nowhere = database.url.replace("127.0.0.1", "127.0.0.2")
    code, said = audit(nowhere, lock)
    assert code == 69
    assert "0 of 3 pins asked about" in said
    assert "NOT AUDITED, no database could be asked about: bread==1.0, bread==2.0, butter" in said


def test_a_lock_file_without_hashes_is_refused(database: Database, lock: Path) -> None:
    """What is not pinned with hashes could be anything, so there is nothing to ask about."""
    lock.write_text(LOCK + "jam>=1\n")
    code, said = audit(database.url, lock)
    assert (code, database.asked) == (2, [])
    assert "not every line is a pin with its hashes" in said


def test_what_pip_audit_skips_was_not_asked_about(monkeypatch: pytest.MonkeyPatch) -> None:
    """pip-audit ends well when PyPI knows none of the packages, as a mirror of it says of all."""
    spec = spec_from_file_location("audit", AUDIT)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    # Where its classes look for their own module.
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    pins = module.pins_of(LOCK)
    said = {
        "dependencies": [
            {"name": "butter", "skip_reason": "not found"},
            {"name": "bread", "version": "2.0", "vulns": []},
        ]
    }
    answer = module.read(json.dumps(said), {pin: pins[pin] for pin in sorted(pins)[1:]})
    assert [str(pin) for pin in answer.asked] == ["bread==2.0"]
    assert answer.trouble == "not found"
