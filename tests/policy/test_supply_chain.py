"""Whatever comes from elsewhere is pinned, so that it cannot change without a change here."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
NPM_LOCKS = sorted(ROOT.glob("deploy/*/package-lock.json"))
LOCKS = sorted(ROOT.glob("requirements*.txt"))


def workflow(file: Path) -> dict[str, Any]:
    """Return a workflow as it was written."""
    content: dict[str, Any] = yaml.safe_load(file.read_text())
    return content


def named(file: Path) -> str:
    """Return how a case is called."""
    return str(file.relative_to(ROOT))


@pytest.mark.parametrize("file", WORKFLOWS, ids=named)
def test_actions_are_pinned_by_commit(file: Path) -> None:
    """A tag can be moved, a commit cannot; the version stands behind it for people."""
    uses = re.findall(r"\buses:\s*(.+)", file.read_text())
    steps = [step for job in workflow(file)["jobs"].values() for step in job["steps"]]
    assert len(uses) == sum("uses" in step for step in steps) > 0
    for action in uses:
        assert re.fullmatch(r"[\w.-]+(?:/[\w.-]+)+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action)


def test_an_action_has_the_same_commit_everywhere() -> None:
    """Nobody has to wonder which of two pins is the right one."""
    uses = [re.findall(r"\buses:\s*(\S+)@(\S+)", file.read_text()) for file in WORKFLOWS]
    pinned = {pin for found in uses for pin in found}
    assert len(pinned) == len({action for action, _ in pinned})


@pytest.mark.parametrize("file", WORKFLOWS, ids=named)
def test_a_workflow_may_do_nothing_that_a_job_does_not_ask_for(file: Path) -> None:
    """Rights are given job by job; who publishes may write, and runs nothing from the checkout."""
    content = workflow(file)
    assert content["permissions"] == {}
    for name, job in content["jobs"].items():
        rights = set(job["permissions"].items())
        assert rights == ({("packages", "write")} if name == "publish" else {("contents", "read")})
        actions = [step.get("uses", "").partition("@")[0] for step in job["steps"]]
        assert ("actions/checkout" in actions) == (name != "publish")


@pytest.mark.parametrize("file", LOCKS, ids=named)
def test_every_requirement_is_locked_with_hashes(file: Path) -> None:
    """One version of each package, and files that are known beforehand."""
    text = re.sub(r" \\\n +", " ", re.sub(r"^ +#.*\n", "", file.read_text(), flags=re.MULTILINE))
    assert text
    for line in text.splitlines():
        assert re.fullmatch(r"[\w.-]+==[\w.!+]+( ; [^;]+?)?( --hash=sha256:[0-9a-f]{64})+", line)


def test_every_requirement_that_people_write_names_one_version() -> None:
    """Ranges would let `make lock` decide what nobody has looked at."""
    for file in sorted(ROOT.glob("requirements*.in")):
        for line in file.read_text().splitlines():
            if not re.match(r"#|-[rc] requirements", line):
                assert re.match(r"[\w.\[\]-]+==[\w.]+(?= ;|$)", line), f"{file.name}: {line}"


@pytest.mark.parametrize("file", NPM_LOCKS, ids=named)
def test_every_package_of_npm_is_locked_with_a_hash(file: Path) -> None:
    """What Node runs in the workflows is known beforehand as well."""
    packages = json.loads(file.read_text())["packages"]
    assert len(packages) > 1
    for path, package in packages.items():
        assert path == "" or package["integrity"].startswith("sha512-")


def test_dependabot_watches_everything_that_is_pinned() -> None:
    """A pin that nobody moves grows old."""
    watched = {
        update["package-ecosystem"]: update
        for update in yaml.safe_load((ROOT / ".github/dependabot.yml").read_text())["updates"]
    }
    assert set(watched) == {"uv", "docker", "docker-compose", "github-actions", "npm"}
    assert set(watched["npm"]["directories"]) == {f"/{named(lock.parent)}" for lock in NPM_LOCKS}


def test_the_list_of_packages_is_that_of_the_lock_file(tmp_path: Path) -> None:
    """`make sbom` names every package that the service runs on, with its hashes, and no other."""
    made = tmp_path / "sbom.cdx.json"
    tools = f"BIN={Path(sys.executable).parent}"
    subprocess.run(
        ["/usr/bin/env", "make", "-o", ".venv/.dev.stamp", "sbom", tools, f"SBOM={made}"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    content = json.loads(made.read_text())
    assert content["bomFormat"] == "CycloneDX"
    hashes = {
        f"{component['name']}=={component['version']}": {
            digest["content"]
            for reference in component["externalReferences"]
            for digest in reference.get("hashes", [])
        }
        for component in content["components"]
    }
    locked = (ROOT / "requirements.txt").read_text()
    assert set(hashes) == set(re.findall(r"^([\w.-]+==[^ ]+)", locked, re.MULTILINE))
    assert set().union(*hashes.values()) == set(re.findall(r"sha256:(\w+)", locked))
