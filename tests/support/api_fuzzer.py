"""A run of schemathesis over a server: every operation of its document, asked in many ways."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import AcceptedNegativeData, Failure
from schemathesis.engine import events, from_schema
from schemathesis.hooks import unregister

from realtime.audio import formats

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "missing_required_header",
    "unsupported_method",
    "allow_header_conformance",
    "ignored_auth",
)
EVENTS = "/api/events"  # it would go on for ever
BY_ID = ("/api/models/load", "/api/models/unload")
AUDIO = "/audio/{language}/{character}/{mode}/{file}"
PROCESS = "/api/process"  # it takes several files
FORMATS = tuple(formats.FORMATS)
RANGES = ("bytes=0-43", "bytes=-10", "bytes=0-1,4-5", "bytes=99999999-", "bytes=5-1", "bites")


@dataclass
class FuzzReport:
    """The failures of a run, and the statuses that each operation answered."""

    failures: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    statuses: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    cases: int = 0


class ApiFuzzer:
    """A run of schemathesis; every second case names a recording, a character or a file there is.

    Random names are only ever answered with 404, and random bytes are no sound.
    """

    def __init__(
        self,
        url: str,
        recording: dict[str, str],
        sound: bytes,
        headers: dict[str, str],
        without: tuple[str, ...] = (),
        **config: Any,
    ) -> None:
        self._recording = recording
        self._sound = sound
        self._numbers: dict[str, count[int]] = defaultdict(count)  # of cases, by operation
        self._given: set[str] = set()  # cases with real sound
        schema = schemathesis.openapi.from_url(
            f"{url}/openapi.json",
            headers=headers,
            config=SchemathesisConfig.from_dict({**_config(config), "headers": headers}),
        )
        self._schema = schema.exclude(method=list(without)) if without else schema

    def run(self) -> FuzzReport:
        """Ask everything, and return what was answered."""

        def before_call(context: Any, case: Any, kwargs: Any) -> None:
            self._use_what_there_is(case)

        def filter_failure(context: Any, failure: Failure, case: Any, response: Any) -> bool:
            # The bytes of a sound are no text, so they are taken for wrong data.
            return case.id not in self._given or not isinstance(failure, AcceptedNegativeData)

        report = FuzzReport()
        for hook in (before_call, filter_failure):
            schemathesis.hook(hook)
        try:
            for event in from_schema(self._schema).execute():
                self._note(event, report)
        finally:
            for hook in (before_call, filter_failure):
                unregister(hook)
        return report

    def _note(self, event: events.EngineEvent, report: FuzzReport) -> None:
        if isinstance(event, events.NonFatalError):
            report.errors.append(f"{event.label}: {event.info.title}: {event.info.message}")
        elif isinstance(event, events.FatalError):
            report.errors.append(repr(event.exception))
        if not isinstance(event, events.ScenarioFinished):
            return
        for id, interaction in event.recorder.interactions.items():
            report.cases += 1
            if interaction.response is None:
                continue
            case = event.recorder.cases[id].value
            report.statuses[case.operation.label].add(interaction.response.status_code)
        for checks in event.recorder.checks.values():
            for check in checks:
                failure: Failure | None = check.failure_info and check.failure_info.failure
                if failure is not None:
                    code = check.failure_info.code_sample
                    report.failures.append(f"{failure.title}: {failure.message}\n{code}"[:2_000])

    def _use_what_there_is(self, case: Any) -> None:
        path = case.operation.path
        number = next(self._numbers[case.operation.label])
        negative = case.meta and case.meta.generation.mode.is_negative
        if path == EVENTS and (not negative or "seconds" not in (case.query or {})):
            case.query = {**(case.query or {}), "seconds": 0.1}
        if number % 2 or negative:
            return
        if path == AUDIO:
            case.path_parameters = dict(self._recording)
            if number % 3 == 0:
                case.headers = {"Range": RANGES[number // 6 % len(RANGES)]}
        elif path in BY_ID and isinstance(case.body, dict):
            case.body |= {"id": "tone"}
        elif path.endswith("/{rest}"):
            case.path_parameters = {"rest": f"{self._recording['character']}/abc.wav"}
        elif "{name}" in path:
            name = "tone" if "models" in path else self._recording["character"]
            case.path_parameters = {"name": name}
        elif isinstance(case.body, dict) and "audio" in case.body:
            wanted = FORMATS[number // 2 % len(FORMATS)]
            sounds = [self._sound] * (1 + number // 2 % 2) if path == PROCESS else self._sound
            case.body |= {"audio": sounds, "engine": "gain", "format": wanted}
            case.body.pop("character", None)
            self._given.add(case.id)


def _config(given: dict[str, Any]) -> dict[str, Any]:
    checks: dict[str, Any] = {"enabled": False}
    checks |= {name: {"enabled": True} for name in CHECKS}
    # What an engine or a bound refuses just now is a 503.
    # A wrong body that is too long as well is refused for its length, before it is read.
    refusals = [400, 401, 403, 404, 405, 406, 409, 413, 415, 422, 428, 429, "5XX"]
    checks["negative_data_rejection"]["expected-statuses"] = refusals
    checks["not_a_server_error"]["expected-statuses"] = ["2XX", "3XX", "4XX", 503]
    return {"checks": checks, "continue-on-failure": True, "request-timeout": 60, **given}
