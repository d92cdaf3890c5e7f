"""The service as it is where others reach it: it refuses to be open, and knows keys at once.

Whole processes, started as everybody starts them.
"""

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from inventory.local.servers import LOOPBACK, free_port
from inventory.serving import PROJECT
from inventory.settings import Settings
from tests.integration.processes import (
    Run,
    command,
    descendants,
    eventually,
    inventory,
    is_ready,
)

DATABASE = "inventory_test_guarded"
EVERYWHERE = "0.0.0.0"  # noqa: S104 - refused, not bound


@dataclass
class Guarded:
    """A service that needs keys, and the first of them."""

    run: Run
    environ: dict[str, str]
    first: str

    def command(self, *arguments: str) -> str:
        """Run the command line on its database; return what it prints."""
        ended = command(*arguments, **self.environ)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout.strip()

    def status(self, path: str, secret: str | None, body: Any = None) -> int:
        """Ask with a key; with a body, for a change."""
        headers = {} if secret is None else {"Authorization": f"Bearer {secret}"}
        return self.ask("GET" if body is None else "POST", path, headers, body)

    def ask(self, method: str, path: str, headers: dict[str, str], body: Any = None) -> int:
        """Ask over a connection of its own, so that any worker may answer; return the status."""
        connection = http.client.HTTPConnection(LOOPBACK, self.run.port, timeout=10)
        sent = {"Content-Type": "application/json", **headers}
        try:
            data = None if body is None else json.dumps(body)
            connection.request(method, path, data, sent)
            response = connection.getresponse()
            response.read()
            return response.status
        finally:
            connection.close()


@pytest.fixture(name="guarded", scope="module")
def _guarded(
    database_settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Guarded]:
    environ = {
        "MONGO_URL": database_settings.mongo_url,
        "REDIS_URL": database_settings.redis_url,
        "INVENTORY_MONGO_DATABASE": DATABASE,
        "INVENTORY_AUTH": "on",
        "INVENTORY_WORKERS": "2",
        # Tests send many wrong keys.
        "INVENTORY_FAILED_LOGIN_RATE": "0",
    }
    log = tmp_path_factory.mktemp("guarded") / "log"
    with inventory("serve", log=log, port=free_port(), **environ) as run:
        eventually(lambda: is_ready(run), lambda: run.output)
        said = [line for line in run.output.splitlines() if "inv_sk_" in line]
        assert len(said) == 1, "the first key is shown once"
        yield Guarded(run, environ, said[0].split()[-1])
    with MongoClient[dict[str, object]](database_settings.mongo_url) as client:
        client.drop_database(DATABASE)


def test_the_first_key_opens_everything(guarded: Guarded) -> None:
    """And is never shown again, however often the service starts."""
    assert guarded.status("/api/keys", guarded.first) == 200
    assert guarded.status("/api/keys", None) == 401
    assert guarded.status("/metrics", None) == 401
    assert guarded.status("/healthz", None) == 200
    assert guarded.command("prepare") == "The database is ready."


def test_keys_from_the_command_line(guarded: Guarded) -> None:
    """Made, listed and revoked by people who can reach the database."""
    secret = guarded.command("keys", "create", "a shop", "--scope", "catalog:read", "--days", "1")
    assert guarded.status("/api/products", secret) == 200
    assert guarded.status("/api/purchases", secret) == 403
    (line,) = [one for one in guarded.command("keys", "list").splitlines() if "a shop" in one]
    assert secret not in line
    assert line.split()[1:3] == ["valid", "secret"]
    assert guarded.command("keys", "revoke", line.split()[0]).endswith("is revoked.")
    wrong = command("keys", "create", "x", "--scope", "admin", "--publishable", **guarded.environ)
    assert (wrong.returncode, "Traceback" in wrong.stderr) == (1, False)
    assert command("keys", "revoke", "0" * 23 + "1", **guarded.environ).returncode == 1


def test_a_revocation_is_known_to_every_worker_within_a_second(guarded: Guarded) -> None:
    """From a second after it was answered on, no worker lets the key in."""
    for _ in range(3):
        secret = guarded.command("keys", "create", "leaked", "--scope", "catalog:read")

        def ask(_: int, secret: str = secret) -> int:
            return guarded.status("/api/products", secret)

        with ThreadPoolExecutor(8) as crowd:
            # Every worker has seen it, and so remembers it.
            assert set(crowd.map(ask, range(64))) == {200}
            (line,) = [o for o in guarded.command("keys", "list").splitlines() if "leaked" in o][:1]
            guarded.command("keys", "revoke", line.split()[0])
            revoked = time.monotonic()
            time.sleep(max(0.0, revoked + 1.0 - time.monotonic()))
            assert set(crowd.map(ask, range(64))) == {401}


def test_a_session_is_over_in_every_worker_within_a_second(guarded: Guarded) -> None:
    """Whether somebody signs out or the key is revoked, from a second after on it opens nothing."""
    secret = guarded.command("keys", "create", "dashboard", "--scope", "admin")
    (line,) = [one for one in guarded.command("keys", "list").splitlines() if "dashboard" in one]

    def revoke(_token: str, _csrf: str) -> None:
        guarded.command("keys", "revoke", line.split()[0])

    def sign_out(token: str, csrf: str) -> None:
        sent = {"Cookie": f"inventory_session={token}", "X-CSRF-Token": csrf}
        assert guarded.ask("DELETE", "/api/session", sent) == 204

    for end in (sign_out, revoke):
        token, csrf = session_of(guarded, secret)

        def ask(_: int, token: str = token) -> int:
            return guarded.ask("GET", "/api/keys", {"Cookie": f"inventory_session={token}"})

        with ThreadPoolExecutor(8) as crowd:
            assert set(crowd.map(ask, range(64))) == {200}
            end(token, csrf)
            ended = time.monotonic()
            time.sleep(max(0.0, ended + 1.0 - time.monotonic()))
            assert set(crowd.map(ask, range(64))) == {401}


def test_no_key_is_ever_written_down(guarded: Guarded) -> None:
    """Not in the log, nor in numbers, errors, lists of processes or the database."""
    made = guarded.command("keys", "create", "canary", "--scope", "admin")
    unknown = made[:-6] + "aaaaaa"
    paths = ["/api/products", "/api/nothing", "/metrics", f"/api/products?key={made}", "/api/keys"]
    token, csrf = session_of(guarded, made)
    guarded.status(f"/api/keys/{token}", made)
    for secret in (made, unknown):
        for path in paths:
            guarded.status(path, secret)
        guarded.status("/api/products", secret, {"name": 1, "price": secret})
        guarded.status("/api/products", secret, {secret: secret})
    connection = http.client.HTTPConnection(LOOPBACK, guarded.run.port, timeout=10)
    said = ""
    for path, headers in (
        ("/metrics", {"X-API-Key": made}),
        ("/api/keys", {"X-API-Key": made}),
        ("/api/products", {"X-API-Key": unknown}),
        ("/api/products", {"Authorization": f"Basic {made}"}),
        ("/api/keys", {"Cookie": f"inventory_session={token}"}),
        ("/api/purchases", {"Cookie": f"inventory_session={token[:-6]}aaaaaa"}),
        (f"/api/products?token={csrf}", {"X-API-Key": made, "X-CSRF-Token": csrf}),
        ("/metrics", {"Cookie": f"inventory_session={token}"}),
    ):
        connection.request("GET", path, headers=headers)
        said += connection.getresponse().read().decode()
    connection.close()
    running = "".join(descendants(guarded.run.process.pid).values())
    with MongoClient[dict[str, object]](guarded.environ["MONGO_URL"]) as client:
        database = client[DATABASE]
        kept = str([list(database[n].find()) for n in database.list_collection_names()])
    for secret in (made, unknown, guarded.first, token, token[:-6] + "aaaaaa", csrf):
        body = secret[len("inv_sk_") + 4 :]
        assert body not in said + running + kept
        log = guarded.run.output
        assert log.count(body) == (secret == guarded.first), "the first key is shown once"


def session_of(guarded: Guarded, secret: str) -> tuple[str, str]:
    """Sign in with a key, do what a page does; return the session's token and its CSRF token."""
    connection = http.client.HTTPConnection(LOOPBACK, guarded.run.port, timeout=10)

    def ask(method: str, path: str, body: Any = None, **headers: str) -> Any:
        sent = {"Content-Type": "application/json", **headers}
        connection.request(method, path, None if body is None else json.dumps(body), sent)
        response = connection.getresponse()
        return response, response.read()

    response, said = ask("POST", "/api/session", {"key": secret})
    assert response.status == 201
    token, csrf = response.headers["Set-Cookie"].split(";")[0], json.loads(said)["csrf_token"]
    for headers, status in (({"X-CSRF-Token": csrf}, 422), ({"X-CSRF-Token": f"x{csrf}"}, 403)):
        response, said = ask("POST", "/api/products", {csrf: token}, Cookie=token, **headers)
        assert response.status == status
    connection.close()
    return token.removeprefix("inventory_session="), csrf


@pytest.mark.parametrize("way", ["setting", "command line"])
def test_it_refuses_to_be_open_to_others(way: str, settings: Settings, tmp_path: Path) -> None:
    """Without keys it listens on loopback or not at all, unless told so in so many words."""
    port = free_port()
    host: str = EVERYWHERE
    more: list[str] = []
    if way == "command line":
        host, more = LOOPBACK, ["-b", f"{EVERYWHERE}:{port}"]
    environ = {
        "MONGO_URL": settings.mongo_url,
        "REDIS_URL": settings.redis_url,
        "INVENTORY_MONGO_DATABASE": settings.mongo_database,
        "INVENTORY_AUTH": "off",
        "INVENTORY_HOST": host,
        "PORT": str(port),
    }
    ended = subprocess.run(
        [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", *more, "wsgi:app"],
        cwd=PROJECT,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode != 0
    assert "INVENTORY_AUTH='off': at 0.0.0.0 others reach the service" in ended.stderr
    assert "Traceback" not in ended.stderr
