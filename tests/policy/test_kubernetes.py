"""What the Kubernetes manifests promise: hardened pods, no secret, names that fit each other."""

import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import pytest
import yaml

from inventory import limits
from inventory.cli import main
from inventory.serving import gunicorn_command, read_environment
from inventory.settings import OUTSIDE_VARIABLES, Settings
from tests.policy.manifests import (
    BASE,
    EXAMPLE,
    MANIFESTS,
    ROOT,
    built,
    containers,
    listed,
    of_kind,
    pods,
    settings,
)

SETTINGS = {option.metadata["variable"] for option in fields(Settings)} | OUTSIDE_VARIABLES.keys()
API, DELIVERER = "inventory-api", "inventory-deliverer"
DEPLOYMENTS = (API, DELIVERER)
SERVING = f"{API}/api"
CONTAINERS = (f"{API}/prepare", SERVING, f"{DELIVERER}/prepare", f"{DELIVERER}/deliverer")
STORES = {"MONGO_URL": "mongo-url", "REDIS_URL": "redis-url"}
# No answer takes longer; see limits.py.
ANSWER_SECONDS_MAX = limits.REQUEST_SECONDS_MAX + 0.5
STOP_SPARE_SECONDS = 5


def dockerfile(instruction: str) -> str:
    """Return what stands behind the last `instruction` of the image."""
    text = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text())
    return re.findall(rf"^{instruction} (.+)$", text, re.MULTILINE)[-1]


def gunicorn(setting: str) -> float:
    """Return a number from gunicorn's configuration."""
    text = (ROOT / "gunicorn.conf.py").read_text()
    (value,) = re.findall(rf"^{setting} = ([\d.]+)$", text, re.MULTILINE)
    return float(value)


def test_every_file_is_deployed() -> None:
    """No manifest lies there that no kustomization names."""
    directories = [file.parent for file in MANIFESTS.rglob("kustomization.yaml")]
    named = {path for directory in directories for path in listed(directory)}
    found = {file for file in MANIFESTS.rglob("*.yaml") if file.name != "kustomization.yaml"}
    assert found <= named
    assert all(path.exists() for path in named)


def test_the_namespace_enforces_what_the_pods_keep() -> None:
    """The cluster itself refuses a pod that asks for more."""
    (namespace,) = of_kind("Namespace").values()
    name = namespace["metadata"]["name"]
    labels = namespace["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    inside = [item for item in built(EXAMPLE) if item["kind"] != "Namespace"]
    assert {item["metadata"]["namespace"] for item in inside} == {name}


def test_nothing_else_is_deployed() -> None:
    """What the tests below look at is all that runs."""
    assert set(pods()) == set(DEPLOYMENTS)
    assert set(containers()) == set(CONTAINERS)
    running = {"Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "Pod", "ReplicaSet"}
    assert {item["kind"] for item in built(EXAMPLE)} & running == {"Deployment"}


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_every_pod_is_hardened(name: str) -> None:
    """Not root, by the image's own number, no calls to the kernel but usual ones, no token."""
    spec = pods()[name]["spec"]
    user, _, group = dockerfile("USER").partition(":")
    assert spec["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": int(user),
        "runAsGroup": int(group),
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert spec["automountServiceAccountToken"] is False
    (account,) = of_kind("ServiceAccount").values()
    assert account["automountServiceAccountToken"] is False
    assert spec["serviceAccountName"] == account["metadata"]["name"]
    assert not {"hostNetwork", "hostPID", "hostIPC", "hostUsers"} & set(spec)
    assert all(set(volume) == {"name", "emptyDir"} for volume in spec["volumes"])


@pytest.mark.parametrize("name", CONTAINERS)
def test_every_container_is_hardened_and_bounded(name: str) -> None:
    """It cannot write to its own files or gain rights, and takes no more than its share."""
    container = containers()[name]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    for kind in ("requests", "limits"):
        assert container["resources"][kind].keys() == {"cpu", "memory"}


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_the_cluster_adds_no_settings(name: str) -> None:
    """Variables that tell of services would be settings that the service does not know."""
    assert pods()[name]["spec"]["enableServiceLinks"] is False


def test_every_setting_exists_and_is_good() -> None:
    """What the pods are given is in the README, and a service that gets it starts."""
    stores = {"MONGO_URL": "mongodb://a/?replicaSet=rs0", "REDIS_URL": "redis://a"}
    assert settings().keys() <= SETTINGS - stores.keys()
    image = dict(part.split("=") for part in dockerfile("ENV").split())
    host = {"INVENTORY_HOST": image["INVENTORY_HOST"]}
    known, options = read_environment({**host, **settings(), **stores})
    assert known.authenticates
    assert known.trusted_proxies == 1
    api = containers()[SERVING]
    assert [port["containerPort"] for port in api["ports"]] == [options.port]
    assert int(api["resources"]["limits"]["cpu"]) == options.workers


@pytest.mark.parametrize("name", CONTAINERS)
def test_secrets_are_referred_to(name: str) -> None:
    """Where the stores are, and their passwords, comes from a secret that is in no file."""
    container = containers()[name]
    (shared,) = of_kind("ConfigMap")
    assert container["envFrom"] == [{"configMapRef": {"name": shared}}]
    given = {variable["name"]: variable for variable in container["env"]}
    assert given.keys() == STORES.keys()
    for variable, key in STORES.items():
        reference = {"name": "inventory-stores", "key": key}
        assert given[variable] in (
            {"name": variable, "valueFrom": {"secretKeyRef": reference}},
            {"name": variable, "value": "off"},
        )
    assert "valueFrom" in given["MONGO_URL"]


def test_no_secret_is_in_a_file() -> None:
    """No object of that kind, no address with a password, no key."""
    assert not {item["kind"] for item in built(EXAMPLE)} & {"Secret", "SealedSecret"}
    for file in MANIFESTS.rglob("*.yaml"):
        assert not re.search(r"://[^\s/]*@|inv_(sk|pk)_|secretGenerator", file.read_text())


def selectors(item: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the labels by which an object chooses pods, or services."""
    spec = item["spec"]
    chosen = spec.get("podSelector", spec.get("selector"))
    if chosen is None:
        return []
    spread = spec.get("template", {}).get("spec", {}).get("topologySpreadConstraints", [])
    own = [chosen if item["kind"] == "Service" else chosen.get("matchLabels", {})]
    return own + [constraint["labelSelector"]["matchLabels"] for constraint in spread]


def test_selectors_find_what_they_are_for() -> None:
    """Each chooses at least one of our pods (a monitor: services); a deployment, just its own."""
    labels = {name: pod["metadata"]["labels"] for name, pod in pods().items()}
    services = {name: item["metadata"]["labels"] for name, item in of_kind("Service").items()}
    choosing = [item for item in built(EXAMPLE) if "spec" in item and selectors(item)]
    assert len(choosing) >= 10
    for item in choosing:
        among = services if item["kind"] == "ServiceMonitor" else labels
        for wanted in selectors(item):
            found = {name for name, has in among.items() if wanted.items() <= has.items()}
            assert found, (item["kind"], item["metadata"]["name"])
            if item["kind"] in ("Deployment", "PodDisruptionBudget"):
                assert found == {item["metadata"]["name"]}


def test_the_autoscaler_scales_what_is_there() -> None:
    """It names the deployment, which leaves the number to it, and never goes below two."""
    (scaler,) = of_kind("HorizontalPodAutoscaler").values()
    target = scaler["spec"]["scaleTargetRef"]
    assert "replicas" not in of_kind(target["kind"])[target["name"]]["spec"]
    (base,) = of_kind("HorizontalPodAutoscaler", BASE).values()
    assert 2 <= base["spec"]["minReplicas"] < base["spec"]["maxReplicas"]


def test_ports_lead_from_the_way_in_to_the_service() -> None:
    """Ingress, service, monitor and network policies name ports that are there."""
    (service,) = of_kind("Service").values()
    api = containers()[SERVING]
    inside = {port["name"] for port in api["ports"]}
    outside = {port["name"] for port in service["spec"]["ports"]}
    assert {port["targetPort"] for port in service["spec"]["ports"]} <= inside
    for item in of_kind("Ingress").values():
        for rule in item["spec"]["rules"]:
            for path in rule.get("http", {}).get("paths", []):
                backend = path["backend"]["service"]
                assert backend["name"] == service["metadata"]["name"]
                assert backend["port"]["name"] in outside
    (monitor,) = of_kind("ServiceMonitor").values()
    assert {endpoint["port"] for endpoint in monitor["spec"]["endpoints"]} <= outside
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert api[probe]["httpGet"]["port"] in inside


def test_a_rolling_update_never_has_fewer() -> None:
    """A new pod is ready before an old one leaves; whoever empties a node takes one at a time."""
    for item in of_kind("Deployment").values():
        rolling = {"maxUnavailable": 0, "maxSurge": 1}
        assert item["spec"]["strategy"] == {"type": "RollingUpdate", "rollingUpdate": rolling}
    budgets = of_kind("PodDisruptionBudget")
    assert budgets.keys() == of_kind("Deployment").keys()
    assert all(budget["spec"]["maxUnavailable"] == 1 for budget in budgets.values())


def test_whoever_leaves_has_the_time_that_it_takes() -> None:
    """KILL comes after the wait for the proxies and gunicorn's own grace, with some to spare."""
    spec = pods()[API]["spec"]
    wait = containers()[SERVING]["lifecycle"]["preStop"]["sleep"]["seconds"]
    needed = wait + gunicorn("graceful_timeout") + STOP_SPARE_SECONDS
    assert spec["terminationGracePeriodSeconds"] >= needed
    assert wait >= limits.PROXY_TIMEOUT_SECONDS


def test_the_deliverer_has_the_time_to_hand_over() -> None:
    """KILL comes after what is on its way to somebody has arrived."""
    spec = pods()[DELIVERER]["spec"]
    assert (
        spec["terminationGracePeriodSeconds"] >= limits.DELIVERY_STOP_SECONDS + STOP_SPARE_SECONDS
    )


def test_every_command_exists() -> None:
    """What containers run is a command of this version."""
    commands = [container["command"] for container in containers().values()]
    ours = {command[3] for command in commands if command[:3] == ["python", "-m", "inventory"]}
    assert ours == {"prepare", "deliver"}
    assert ours <= main.commands.keys()
    (served,) = [command for command in commands if command[2] == "gunicorn"]
    assert served[-1] == gunicorn_command()[-1]
    assert (ROOT / served[served.index("-c") + 1]).exists()


def test_probes_wait_as_long_as_an_answer_may_take() -> None:
    """No probe gives up on a service that is only slow, and none is quicker than gunicorn."""
    api = containers()[SERVING]
    start, ready, alive = (api[f"{kind}Probe"] for kind in ("startup", "readiness", "liveness"))
    assert (start["httpGet"]["path"], ready["httpGet"]["path"]) == ("/healthz", "/readyz")
    assert alive["httpGet"]["path"] == "/healthz"
    assert ready["timeoutSeconds"] > ANSWER_SECONDS_MAX
    assert alive["timeoutSeconds"] > ANSWER_SECONDS_MAX
    assert alive["periodSeconds"] * alive["failureThreshold"] > limits.WORKER_TIMEOUT_SECONDS
    assert start["periodSeconds"] * start["failureThreshold"] >= limits.WORKER_TIMEOUT_SECONDS


def test_a_deployment_names_what_was_tested() -> None:
    """The image's tag says which commit it is, and no other image runs."""
    names = {container["image"] for container in containers().values()}
    (image,) = names
    assert re.fullmatch(r"ghcr\.io/\S+:sha-[0-9a-f]{40}", image)
    content = yaml.safe_load((BASE / "kustomization.yaml").read_text())
    assert "images" not in content
