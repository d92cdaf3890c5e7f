"""The options of the processes around the service."""

import resource

import pytest

from inventory.serving import ServerOptions, make_room, read_environment
from inventory.settings import OUTSIDE_VARIABLES, Settings, SettingsError


def test_defaults_are_those_documented() -> None:
    """What the settings' table says of host, port, threads and connections is what happens."""
    options = ServerOptions.from_env({})
    documented = {name: default for name, (default, _) in OUTSIDE_VARIABLES.items()}
    assert str(options.port) == documented["PORT"]
    assert options.host == documented["INVENTORY_HOST"]
    assert options.worker_class == documented["INVENTORY_WORKER_CLASS"]
    assert str(options.threads) == documented["INVENTORY_THREADS"]
    assert str(options.connections) == documented["INVENTORY_CONNECTIONS"]
    assert 2 <= options.workers <= 8


@pytest.mark.parametrize(
    "variable,value",
    [
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "-1"),
        ("PORT", "8e3"),
        ("PORT", "\u0663\u0663"),
        ("INVENTORY_WORKERS", "0"),
        ("INVENTORY_THREADS", "many"),
        ("INVENTORY_CONNECTIONS", "1.5"),
        ("INVENTORY_WORKER_CLASS", "sync"),
    ],
)
def test_bad_values_are_named(variable: str, value: str) -> None:
    """A value that makes no sense is refused by the name of its variable."""
    with pytest.raises(SettingsError, match=f"{variable}='"):
        ServerOptions.from_env({variable: value})


def test_all_problems_are_told_at_once() -> None:
    """Problems of the service's settings and of its server's options come in one list."""
    bad = {"PORT": "x", "INVENTORY_WORKERS": "y", "INVENTORY_LOG_LEVEL": "z"}
    with pytest.raises(SettingsError) as caught:
        read_environment(bad)
    assert len(caught.value.problems) == len(bad)


@pytest.mark.parametrize(
    "host,bind,url",
    [
        ("127.0.0.1", "127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("0.0.0.0", "0.0.0.0:8000", "http://127.0.0.1:8000"),  # noqa: S104 - nothing is bound
        ("::", "[::]:8000", "http://[::1]:8000"),
        ("::1", "[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_addresses(host: str, bind: str, url: str) -> None:
    """IPv6 addresses get brackets, and a client is never told to connect to everywhere."""
    options = ServerOptions.from_env({"INVENTORY_HOST": host})
    assert (options.bind, options.url) == (bind, url)


@pytest.mark.parametrize(
    "limits,room,soft",
    [
        ((1_024, 524_288), 2_048, 2_240),
        ((1_048_576, resource.RLIM_INFINITY), 2_048, 1_048_576),
        ((256, 1_024), 832, 1_024),
        ((300, 300), 108, 300),
    ],
)
def test_clients_are_let_in_for_whom_there_are_files(
    limits: tuple[int, int], room: int, soft: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit of open files is raised where it may be; else fewer clients are let in."""
    given = [limits]
    monkeypatch.setattr(resource, "getrlimit", lambda _: given[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda _, wanted: given.append(wanted))
    assert make_room(Settings(), ServerOptions.from_env({})) == room
    assert given[-1] == (soft, limits[1])


def test_too_few_files_are_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where next to no client could be served, the start is refused, with what to do about it."""
    monkeypatch.setattr(resource, "getrlimit", lambda _: (200, 200))
    monkeypatch.setattr(resource, "setrlimit", lambda *_: None)
    with pytest.raises(SettingsError, match="the system allows 200; raise that"):
        make_room(Settings(), ServerOptions.from_env({}))
