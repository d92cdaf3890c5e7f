"""What the deployed files promise: no root, nothing to gain, nothing to write, one way in."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
# Root until they have become somebody else, and what that takes.
BECOMES_SOMEBODY_ELSE = {"mongodb": {"CHOWN", "DAC_OVERRIDE", "SETGID", "SETUID"}}
# Keys of a service that would undo what the others take away.
LOOSENING = {
    *("privileged", "pid", "ipc", "uts", "userns_mode", "cgroup", "cgroup_parent", "network_mode"),
    *("devices", "device_cgroup_rules", "group_add", "sysctls", "volumes_from", "use_api_socket"),
}


def last_stage() -> list[tuple[str, str]]:
    """Return the instructions of the stage that becomes the image, with their arguments."""
    text = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text())
    lines = [line.split(maxsplit=1) for line in text.splitlines() if re.match(r"[A-Z]+ ", line)]
    start = max(at for at, line in enumerate(lines) if line[0] == "FROM")
    return [(name, arguments) for name, arguments in lines[start:]]


def test_the_image_runs_as_a_number_that_is_not_root() -> None:
    """Only a number lets an orchestrator see, without looking inside, that it is not root."""
    users = [arguments for name, arguments in last_stage() if name == "USER"]
    assert len(users) == 1
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", users[0])


def test_the_image_installs_what_is_locked_and_runs_no_package_while_it_is_built() -> None:
    """Hashes, wheels only, and nothing that would still be left to resolve."""
    text = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text())
    installs = [line for line in text.splitlines() if re.search(r"\bpip\b.*\binstall\b", line)]
    assert installs
    for line in installs:
        assert {"--require-hashes", "--no-deps", "--only-binary"} <= set(line.split())


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_hardened(name: str) -> None:
    """A container can neither write to its own files nor gain rights, and does not keep any."""
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert set(service.get("cap_add", [])) == BECOMES_SOMEBODY_ELSE.get(name, set())
    assert not LOOSENING & set(service)


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_bounded(name: str) -> None:
    """None can take the memory, the processor or, by its log, the disk from the others."""
    service = SERVICES[name]
    assert {"cpus", "memory"} <= set(service["deploy"]["resources"]["limits"])
    assert {"max-size", "max-file"} <= set(service["logging"]["options"])


@pytest.mark.parametrize("name", sorted(set(SERVICES) - set(BECOMES_SOMEBODY_ELSE)))
def test_no_service_starts_as_root(name: str) -> None:
    """The user is a number in the compose file, or in the image that is built here."""
    service = SERVICES[name]
    built_here = {one["image"] for one in SERVICES.values() if "build" in one}
    if service["image"] not in built_here:
        assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", service["user"])
    else:
        assert "user" not in service


@pytest.mark.parametrize("name", SERVICES)
def test_no_service_sees_the_machine(name: str) -> None:
    """From the machine comes the configuration of nginx, read-only; all else is a named volume."""
    for volume in SERVICES[name].get("volumes", []):
        source, _, target = str(volume).partition(":")
        assert source in COMPOSE["volumes"] or (
            source.startswith("./deploy/") and target.endswith(":ro")
        )


def test_only_the_proxy_is_published_and_only_on_loopback() -> None:
    """Nobody beyond this machine reaches any of it, unless HTTP_BIND says so of the proxy."""
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {
        "nginx": ["${HTTP_BIND:-127.0.0.1}:${HTTP_PORT:-8080}:8080"],
        "prometheus": ["127.0.0.1:${PROMETHEUS_PORT:-9090}:9090"],
        "grafana": ["127.0.0.1:${GRAFANA_PORT:-3000}:3000"],
    }


def test_what_observes_is_not_started_unasked() -> None:
    """Prometheus and Grafana belong to a profile, and nothing that sells waits for them."""
    profiles = {name: service.get("profiles") for name, service in SERVICES.items()}
    observing = {name for name, named in profiles.items() if named}
    assert observing == {"prometheus", "grafana"}
    for name in set(SERVICES) - observing:
        assert not observing & set(SERVICES[name].get("depends_on", []))


def test_only_prometheus_sees_the_key_of_prometheus() -> None:
    """The key is a file outside of the checkout's history, and no container but one is shown it."""
    shown = {name: service["secrets"] for name, service in SERVICES.items() if "secrets" in service}
    assert shown == {"prometheus": ["metrics_key"]}
    source = COMPOSE["secrets"]["metrics_key"]["file"]
    assert source == "${METRICS_KEY_FILE:-./.secrets/metrics_key}"
    assert ".secrets/" in (ROOT / ".gitignore").read_text().splitlines()


def test_the_stores_have_no_way_out_and_no_way_in_but_the_api() -> None:
    """Database and cache are on the network that leads nowhere, and nginx is not."""
    assert COMPOSE["networks"]["data"]["internal"] is True
    on = {name: set(service["networks"]) for name, service in SERVICES.items()}
    assert on == {
        "nginx": {"edge"},
        "deliverer": {"outside", "data"},
        "api": {"edge", "data", "observability"},
        "mongodb": {"data"},
        "valkey": {"data"},
        "prometheus": {"observability"},
        "grafana": {"observability"},
    }
