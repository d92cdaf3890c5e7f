"""Sends calls until there are enough, and gathers what the checks found.

Schemathesis goes through the examples and the edges of every schema once; then it makes up single
calls and chains of calls along the links of the document, in turns, as long as it is let.
"""

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from schemathesis import (
    BaseSchema,
    Case,
    Config,
    HookContext,
    Response,
    SerializationContext,
    hook,
    hooks,
    serializer,
)
from schemathesis.config import ChecksConfig
from schemathesis.core.failures import Failure
from schemathesis.engine import Status, events, from_schema
from schemathesis.engine.recorder import ScenarioRecorder

from loadtests.fuzz.excuses import excuse_for
from loadtests.fuzz.headers import freshen

# What is gone through once, and what goes on as long as it is let.
EDGES = ("examples", "coverage")
TURNS = ("fuzzing", "stateful")
EXAMPLES_MIN, TURN_SHARE = 5, 400
# It is told when to stop; but only with a limit of time it takes its turns again and again.
SECONDS_MAX = 7 * 24 * 3600
REQUEST_SECONDS_MAX = 10
# What is too long is refused as well (413, 414, 431), and so is what comes too late (410, 412).
REFUSED = ("410", "412", "413", "414", "431")
# If-Match is asked for with 428 (RFC 6585).
MISSED = ("428",)


@serializer("application/x-ndjson")
def lines_of_json(_: SerializationContext, value: Any) -> bytes:
    """Return what is sent as lines of JSON: to the document they are a text."""
    return value.encode() if isinstance(value, str) else json.dumps(value).encode()


@dataclass(frozen=True, slots=True)
class Plan:
    """How many calls are made, and which: the same seed makes up the same."""

    calls: int
    seed: int
    # Of each operation, and chains of calls, in each turn; None: so that there are several turns.
    examples: int | None = None
    api_key: str | None = None
    phases: tuple[str, ...] = (*EDGES, *TURNS)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong with the service or with its document."""

    operation: str
    title: str
    text: str


@dataclass(slots=True)
class Outcome:
    """What was called, and what came of it."""

    operations: int
    calls: int = 0
    # Answers by their status, of each operation; calls of its path with other methods are not here.
    answers: dict[str, Counter[int]] = field(default_factory=dict)
    checks: Counter[str] = field(default_factory=Counter)
    excused: Counter[str] = field(default_factory=Counter)
    # Each operation and kind of complaint once, with its first example.
    findings: dict[tuple[str, str], Finding] = field(default_factory=dict)
    chains: int = 0

    def note(self, case: Case[Any], status: int) -> None:
        """Note an answer."""
        self.calls += 1
        if case.method.upper() == case.operation.method.upper():
            self.answers.setdefault(case.operation.label, Counter())[status] += 1

    def find(self, operation: str, title: str, text: str) -> None:
        """Note a finding."""
        self.findings.setdefault((operation, title), Finding(operation, title, text))

    @property
    def succeeded(self) -> set[str]:
        """The operations that were answered with success."""
        return {name for name, seen in self.answers.items() if any(s < 300 for s in seen)}


def settings(plan: Plan) -> Config:
    """Return the settings of Schemathesis: all checks, nothing kept on disk."""
    examples = plan.examples or max(EXAMPLES_MIN, plan.calls // TURN_SHARE)
    usual = ChecksConfig()
    refused = [*usual.negative_data_rejection.expected_statuses, *REFUSED]
    missed = [*usual.missing_required_header.expected_statuses, *MISSED]
    values: dict[str, Any] = {
        "seed": plan.seed,
        "request-timeout": REQUEST_SECONDS_MAX,
        "continue-on-failure": True,
        "suppress-health-check": ["all"],
        "cache": {"enabled": False},
        "generation": {"max-examples": examples, "database": "none"},
        "phases": {name: {"enabled": name in plan.phases} for name in (*EDGES, *TURNS)},
        "checks": {
            "negative_data_rejection": {"expected-statuses": refused},
            "missing_required_header": {"expected-statuses": missed},
        },
    }
    values["phases"]["coverage"]["generate-duplicate-query-parameters"] = True
    if set(plan.phases) & set(TURNS):
        values["max-time"] = SECONDS_MAX
    if plan.api_key:
        values["headers"] = {"X-API-Key": plan.api_key}
    return Config.from_dict(values)


def fuzz(schema: BaseSchema, plan: Plan) -> Outcome:
    """Make the calls of a plan on what `schema` was loaded from with `settings`."""
    outcome = Outcome(operations=schema.statistic.operations.total)
    stream = from_schema(schema).execute()

    def after_call(_context: HookContext, case: Case[Any], response: Response) -> None:
        outcome.note(case, response.status_code)
        if outcome.calls >= plan.calls:
            stream.stop()

    def filter_failure(
        _context: HookContext, failure: Failure, case: Case[Any], response: Response
    ) -> bool:
        why = excuse_for(failure, case, response)
        if why is None:
            outcome.find(case.operation.label, *_told(failure, case, response))
            return True
        outcome.excused[why] += 1
        return False

    def before_call(_context: HookContext, case: Case[Any], _kwargs: dict[str, Any]) -> None:
        freshen(case, outcome.calls)

    schema.hook(after_call)
    schema.hook(filter_failure)
    # Schemathesis has this one for all that the process tests, or not at all.
    hook(before_call)
    try:
        for event in stream:
            _take(event, outcome)
    finally:
        hooks.unregister(before_call)
    return outcome


def _take(event: events.EngineEvent, outcome: Outcome) -> None:
    if isinstance(event, events.FatalError):
        raise event.exception
    if isinstance(event, events.ScenarioFinished):
        _take_checks(event.recorder, outcome)
        outcome.chains += event.phase.value == "stateful"
    elif isinstance(event, events.NonFatalError):
        outcome.find(event.label, event.info.title, str(event.value))


def _take_checks(recorder: ScenarioRecorder, outcome: Outcome) -> None:
    """Count what was checked; what was found is known already, also of what was broken off."""
    for case_id, checks in recorder.checks.items():
        for check in checks:
            outcome.checks[check.name] += 1
            if check.status is Status.ERROR:
                operation = recorder.cases[case_id].value.operation.label
                outcome.find(operation, check.name, "The check itself failed.")


def _told(failure: Failure, case: Case[Any], response: Response) -> tuple[str, str]:
    """Return what a check complains of, and all that there is to see of it."""
    (check, *_) = failure.checks or ("",)
    answer = f"{response.status_code}: {response.text[:1000]}"
    text = "\n".join((failure.message, case.as_curl_command(), answer))
    return f"{check}: {failure.title}", text
