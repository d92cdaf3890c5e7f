"""Ask a database of vulnerabilities about everything that the requirements pin.

    python deploy/audit.py [--osv-url URL] [requirements.txt ...]

pip-audit does the asking. Around it: pins for other platforms and Pythons are asked about as well,
a second database is asked about whatever the first one does not answer, and what nobody could be
asked about is no clean bill of health: a mirror of PyPI, for one, answers that it knows no package.

Exit codes: 0, all were asked about and nothing is known; 1, something is known; 2, there is nothing
to ask about, as a file is not pinned with hashes; 69, some could not be asked about, and nothing is
known of the others.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

REQUIREMENTS = ("requirements.txt", "requirements-local.txt", "requirements-dev.txt")
TIMEOUT_SECONDS = 20
# So many of those that nobody could be asked about are named.
NAMED_MAX = 10
# As sysexits.h has them: a service is unavailable.
CLEAN, VULNERABLE, UNAVAILABLE = 0, 1, 69
# One pin of a lock file: its line, and its hashes on the indented lines below.
_PIN = re.compile(
    r"^(?P<name>[\w.-]+)(?:\[[\w,.-]+\])?==(?P<version>\S+)(?: ;[^\\\n]*)?"
    r"(?P<hashes>(?: \\\n +--hash=\S+)+)$",
    re.MULTILINE,
)


class Pin(NamedTuple):
    """A package in the one version that is installed."""

    name: str
    version: str

    def __str__(self) -> str:
        """Return it as pip spells it."""
        return f"{self.name}=={self.version}"


@dataclass
class Answer:
    """What one database said: about whom, what is known, and why it said no more."""

    asked: set[Pin]
    known: list[str]
    trouble: str | None = None


def pins_of(text: str) -> dict[Pin, str]:
    """Return what a lock file pins, with its hashes, whatever platform it is for."""
    found = list(_PIN.finditer(text))
    if len(found) != sum(1 for line in text.splitlines() if line and line[0] not in " #"):
        raise ValueError("not every line is a pin with its hashes")
    return {Pin(pin["name"], pin["version"]): pin["hashes"] for pin in found}


def turns(pins: Mapping[Pin, str]) -> Iterator[dict[Pin, str]]:
    """Yield the pins such that no turn has two versions of a package, which pip-audit refuses."""
    left = dict(pins)
    while left:
        turn = {pin.name: pin for pin in reversed(left)}
        yield {pin: left.pop(pin) for pin in sorted(turn.values())}


def read(said: str, pins: Mapping[Pin, str]) -> Answer:
    """Return what pip-audit's JSON says about these pins; the skipped ones count as not asked."""
    answer = Answer(set(), [])
    versions = {pin.name: pin for pin in pins}
    for package in json.loads(said)["dependencies"]:
        if "skip_reason" in package:
            answer.trouble = package["skip_reason"]
            continue
        answer.asked.add(versions[package["name"]])
        answer.known += [described(package, known) for known in package["vulns"]]
    return answer


def described(package: Mapping[str, Any], known: Mapping[str, Any]) -> str:
    """Return one vulnerability as a line: where, which, what helps, and what it is."""
    names = " ".join([known["id"], *known.get("aliases", [])])
    fixed = ", ".join(known["fix_versions"]) or "no version yet"
    about = " ".join(known.get("description", "").split())[:200]
    return f"{package['name']} {package['version']}: {names}; mended in {fixed}. {about}"


def ask(service: list[str], pins: Mapping[Pin, str]) -> Answer:
    """Ask one database about these pins."""
    with tempfile.TemporaryDirectory() as directory:
        lock = Path(directory, "requirements.txt")
        lock.write_text("".join(f"{pin}{hashes}\n" for pin, hashes in pins.items()))
        command = [sys.executable, "-m", "pip_audit", "--requirement", str(lock)]
        command += ["--require-hashes", "--disable-pip", "--format", "json"]
        command += ["--progress-spinner", "off", "--timeout", str(TIMEOUT_SECONDS), *service]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if not ended.stdout:
        last = (ended.stderr.strip().splitlines() or ["pip-audit said nothing"])[-1]
        return Answer(set(), [], last)
    return read(ended.stdout, pins)


def audit(pins: dict[Pin, str], services: Mapping[str, list[str]]) -> tuple[int, list[str]]:
    """Ask one database after the other about whatever is left; return exit code and report."""
    left, known, report = dict(pins), [], []
    for name, service in services.items():
        for turn in turns(left):
            answer = ask(service, turn)
            left = {pin: hashes for pin, hashes in left.items() if pin not in answer.asked}
            known += answer.known
            if answer.trouble:
                report.append(f"{name}: {answer.trouble}")
            if not answer.asked:
                break
    report += [f"KNOWN  {line}" for line in known]
    asked = len(pins) - len(left)
    report.append(f"{asked} of {len(pins)} pins asked about, {len(known)} vulnerabilities known")
    if left:
        named = ", ".join(str(pin) for pin in sorted(left)[:NAMED_MAX])
        more = f" and {len(left) - NAMED_MAX} more" if len(left) > NAMED_MAX else ""
        report.append(f"NOT AUDITED, no database could be asked about: {named}{more}")
    if known:
        return VULNERABLE, report
    return UNAVAILABLE if left else CLEAN, report


def main() -> int:
    """Audit the lock files that the command line names."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--osv-url", help="ask this database, which speaks as OSV does, and no other"
    )
    parser.add_argument("files", nargs="*", default=REQUIREMENTS)
    chosen = parser.parse_args()
    services = {
        "PyPI": ["--vulnerability-service", "pypi"],
        "OSV": ["--vulnerability-service", "osv"],
    }
    if chosen.osv_url:
        services = {chosen.osv_url: [*services["OSV"], "--osv-url", chosen.osv_url]}
    pins: dict[Pin, str] = {}
    for name in chosen.files:
        try:
            pins |= pins_of(Path(name).read_text())
        except (OSError, ValueError) as error:
            parser.error(f"{name}: {error}")
    code, report = audit(pins, services)
    print(*report, sep="\n")  # noqa: T201 - a command's output
    return code


if __name__ == "__main__":
    sys.exit(main())
