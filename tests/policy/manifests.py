"""The Kubernetes manifests as a cluster would get them: built by kustomize."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
MANIFESTS = ROOT / "deploy" / "kubernetes"
BASE, EXAMPLE = MANIFESTS / "base", MANIFESTS / "overlays" / "example"

Object = dict[str, Any]


@cache
def built(directory: Path) -> tuple[Object, ...]:
    """Return all objects of a kustomization."""
    beside = Path(sys.executable).with_name("kubectl")
    kubectl = beside if beside.exists() else shutil.which("kubectl")
    assert kubectl, "No wheel of kubectl fits this platform: put kubectl on the PATH."
    command = [str(kubectl), "kustomize", str(directory)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return tuple(yaml.safe_load_all(text))


def of_kind(kind: str, directory: Path = EXAMPLE) -> dict[str, Object]:
    """Return the objects of a kind, by name."""
    return {item["metadata"]["name"]: item for item in built(directory) if item["kind"] == kind}


def pods(directory: Path = EXAMPLE) -> dict[str, Object]:
    """Return what the pods of each deployment are like, by its name."""
    return {name: item["spec"]["template"] for name, item in of_kind("Deployment").items()}


def containers() -> dict[str, Object]:
    """Return every container of every pod, those that only prepare included."""
    found = {}
    for name, pod in pods().items():
        for kind in ("initContainers", "containers", "ephemeralContainers"):
            for container in pod["spec"].get(kind, []):
                found[f"{name}/{container['name']}"] = container
    return found


def settings() -> dict[str, str]:
    """Return the settings that all pods share."""
    (shared,) = of_kind("ConfigMap").values()
    values: dict[str, str] = shared["data"]
    return values


def listed(directory: Path) -> Iterator[Path]:
    """Yield the files and directories that a kustomization names."""
    content = yaml.safe_load((directory / "kustomization.yaml").read_text())
    for name in [*content.get("resources", []), *content.get("components", [])]:
        yield (directory / name).resolve()
    for patch in content.get("patches", []):
        if "path" in patch:
            yield (directory / patch["path"]).resolve()
