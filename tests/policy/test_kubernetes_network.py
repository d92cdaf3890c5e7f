"""Who reaches whom in the cluster: what may come in by which way, and what may never be reached."""

from collections.abc import Iterator
from ipaddress import ip_address, ip_network

import pytest
from flask import Flask

from inventory import limits
from inventory.app import close_app, create_app
from inventory.settings import Settings
from tests.policy.manifests import BASE, Object, of_kind

# For the cluster itself and for Prometheus, not for the world.
INNER = {"/healthz", "/readyz", "/metrics"}
KILOBYTE = 1024
NGINX, COMMUNITY = "nginx.org/", "nginx.ingress.kubernetes.io/"
PRIVATE = [
    *("10.0.0.1", "100.64.0.2", "127.0.0.1", "169.254.169.254", "172.20.0.1", "192.168.1.1"),
    *("0.0.0.1", "192.0.0.1", "198.18.0.1", "224.0.0.1", "255.255.255.255"),
    *("::1", "fe80::1", "fc00::1", "fd12::1", "ff02::1", "::ffff:10.0.0.1", "64:ff9b::a00:1"),
    *("2002:a00:1::1", "2001::1"),
]
PUBLIC = ["93.184.216.34", "172.32.0.1", "2606:4700::1111"]


@pytest.fixture(name="app", scope="module")
def _app() -> Iterator[Flask]:
    # Nothing here asks the stores; the app begins without them.
    app = create_app(Settings(mongo_url="mongodb://127.0.0.1:1/?replicaSet=rs0", redis_url="off"))
    yield app
    close_app(app)


def let_in() -> Iterator[Object]:
    """Yield the paths of all ways in."""
    for item in of_kind("Ingress").values():
        for rule in item["spec"]["rules"]:
            yield from rule.get("http", {}).get("paths", [])


def reaches(way: Object, path: str) -> bool:
    """Tell whether a request for `path` takes this way, as Kubernetes defines it."""
    prefix = way["path"]
    if way["pathType"] == "Exact":
        return bool(path == prefix)
    return path == prefix or path.startswith(f"{prefix}/")


def test_the_world_reaches_every_route_but_the_inner_ones(app: Flask) -> None:
    """A new route is reachable by itself, or somebody has to say that it is not for the world."""
    ways = list(let_in())
    paths = {rule.rule for rule in app.url_map.iter_rules()}
    assert paths >= INNER
    unreached = {path for path in paths if not any(reaches(way, path) for way in ways)}
    assert unreached == INNER


def test_there_is_one_way_in_and_it_is_encrypted() -> None:
    """All paths are of one host with a certificate; no service is published past it."""
    hosts = {rule["host"] for item in of_kind("Ingress").values() for rule in item["spec"]["rules"]}
    (host,) = hosts
    masters = [item["spec"]["tls"] for item in of_kind("Ingress").values() if "tls" in item["spec"]]
    assert masters == [[{"hosts": [host], "secretName": "inventory-tls"}]]
    for service in of_kind("Service").values():
        assert service["spec"].get("type", "ClusterIP") == "ClusterIP"


def test_both_controllers_are_told_the_same() -> None:
    """Bodies and time-outs are those of the service, whichever controller reads them."""
    for name, item in of_kind("Ingress").items():
        notes = item["metadata"]["annotations"]
        if notes[f"{NGINX}mergeable-ingress-type"] == "master":
            continue
        assert notes[f"{NGINX}client-max-body-size"] == notes[f"{COMMUNITY}proxy-body-size"]
        for kind in ("connect", "send", "read"):
            other = notes[f"{COMMUNITY}proxy-{kind}-timeout"]
            assert notes[f"{NGINX}proxy-{kind}-timeout"] == f"{other}s"
        if name == "inventory-requests":
            assert notes[f"{COMMUNITY}proxy-body-size"] == f"{limits.BODY_BYTES_MAX // KILOBYTE}k"
            assert float(notes[f"{COMMUNITY}proxy-read-timeout"]) == limits.PROXY_TIMEOUT_SECONDS


def test_nobody_speaks_to_anybody_unless_it_is_said() -> None:
    """One policy for all pods allows nothing, in either direction."""
    nobody = of_kind("NetworkPolicy")["nobody"]["spec"]
    assert nobody == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_only_named_pods_come_in() -> None:
    """Requests come from the ingress controller and from Prometheus, to one port."""
    for policy in of_kind("NetworkPolicy").values():
        for rule in policy["spec"].get("ingress", []):
            assert rule["from"]
            assert all(who.keys() == {"namespaceSelector"} for who in rule["from"])
            assert rule["ports"] == [{"protocol": "TCP", "port": "http"}]


def may_be_sent_to(address: str) -> bool:
    """Tell whether the deliverer may open a connection to an address outside of the cluster."""
    (rule,) = of_kind("NetworkPolicy")["deliveries"]["spec"]["egress"]
    return any(
        ip_address(address) in ip_network(block["cidr"])
        and not any(ip_address(address) in ip_network(left) for left in block["except"])
        for block in (target["ipBlock"] for target in rule["to"])
    )


@pytest.mark.parametrize("address", PRIVATE)
def test_deliveries_never_go_inside(address: str) -> None:
    """Whoever names an address of the cluster, of its network or of its machines gets nothing."""
    assert not may_be_sent_to(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_deliveries_go_everywhere_else(address: str) -> None:
    """A receiver may be anywhere on the internet."""
    assert may_be_sent_to(address)


def test_only_the_service_reaches_the_cache() -> None:
    """The deliverer is nobody's way to Redis; both need the database, and names."""
    policies = of_kind("NetworkPolicy")
    chosen = {name: policy["spec"]["podSelector"] for name, policy in policies.items()}
    both = {"app.kubernetes.io/name": "inventory"}
    assert chosen["cache"]["matchLabels"] == both | {"app.kubernetes.io/component": "api"}
    assert chosen["database"]["matchLabels"] == chosen["names"]["matchLabels"] == both


def test_only_the_deliverer_goes_out() -> None:
    """All others reach names and stores, and nothing else."""
    open_to_all = {
        name
        for name, policy in of_kind("NetworkPolicy", BASE).items()
        for rule in policy["spec"].get("egress", [])
        for target in rule["to"]
        if "ipBlock" in target
    }
    assert open_to_all == {"deliveries"}
    chosen = of_kind("NetworkPolicy", BASE)["deliveries"]["spec"]["podSelector"]["matchLabels"]
    assert chosen["app.kubernetes.io/component"] == "deliverer"
