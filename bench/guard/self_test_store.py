"""results/guard/<machine>-<quiet|busy>.ndjson: a decision a line, written as soon as it is made.

Not .jsonl, which are the records of sweeps.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.errors import UserError
from bench.guard.latency_run import Effort
from bench.guard.latency_verdict import Rule
from bench.guard.self_test_rates import Decision
from bench.guard.self_test_trials import Trial
from bench.settings.latency import LatencySetting
from bench.storage.records import make_key
from bench.system.machine import commit, machine_facts, machine_id, versions

_SCHEMA = 1
METHOD = 4
"""Version of the guard and its trials: raised when a decision may come out otherwise. 1 compared head with the mean of
both runs of the base; 2 gave memory back to the system between passes; 3
stopped as unchanged at any look."""


@dataclass(frozen=True, kw_only=True)
class SelfTestStore:
    """The decisions of one self-test: those of other settings, machines and versions stay out."""

    results: Path
    variant: str
    setting: LatencySetting
    effort: Effort
    rule: Rule
    busy: bool

    @property
    def path(self) -> Path:
        return self.results / "guard" / f"{machine_id()}-{'busy' if self.busy else 'quiet'}.ndjson"

    @property
    def _key(self) -> str:
        return make_key(
            variant=self.variant,
            setting=self.setting.to_json(),
            effort=asdict(self.effort),
            rule=asdict(self.rule),
            busy=self.busy,
            machine=machine_id(),
            versions=versions(),
            method=METHOD,
        )

    def read(self) -> list[Decision]:
        """All decisions that were kept.

        Raises:
            UserError: a line is broken.
        """
        if not self.path.is_file():
            return []
        lines = self.path.read_text(encoding="utf-8").splitlines()
        found = [self._parse(line, number) for number, line in enumerate(lines, start=1)]
        return [decision for key, decision in found if key == self._key]

    def append(self, trial: Trial) -> Decision:
        """Keep a trial.

        Raises:
            UserError: the file cannot be written.
        """
        verdict = trial.verdict
        decision = Decision(
            more_work=trial.more_work,
            state=verdict.state,
            ratio=verdict.head.value,
            limit=verdict.limit,
            false_alarms=verdict.false_alarms,
            seen=verdict.seen,
            seconds=round(trial.seconds, 2),
            load=trial.load,
        )
        about = {
            "schema_version": _SCHEMA,
            "key": self._key,
            "decision": asdict(decision),
            "same_ratio": verdict.same.value,
            "base_ms": verdict.base_ms,
            "restarts": verdict.restarts,
            "cycles": verdict.cycles,
            "variant": self.variant,
            "setting": self.setting.to_json(),
            "effort": asdict(self.effort),
            "rule": asdict(self.rule),
            "busy": self.busy,
            "machine": machine_facts(),
            "versions": versions(),
            "commit": commit(),
            "seed": 0,
        }
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(about, separators=(",", ":")) + "\n")
        except OSError as error:
            raise UserError(f"cannot write {self.path}: {error.strerror}. Pass --results FOLDER.") from None
        return decision

    def _parse(self, line: str, number: int) -> tuple[str, Decision]:
        try:
            data = json.loads(line)
            if data["schema_version"] != _SCHEMA:
                raise UserError(f"{self.path}:{number} has schema version {data['schema_version']}, not {_SCHEMA}.")
            return data["key"], Decision(**data["decision"])
        except (ValueError, KeyError, TypeError):
            raise UserError(f"{self.path}:{number} is broken. Delete that line; the self-test runs it again.") from None
