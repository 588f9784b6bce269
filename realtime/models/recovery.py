"""Recovery of a load that failed: an ordered list of actions by kind of error."""

from __future__ import annotations

import inspect
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from realtime.acceleration.cuda_health import is_fatal
from realtime.acceleration.out_of_memory import is_out_of_memory
from realtime.errors import SettingsError, YamabikoError

logger = logging.getLogger(__name__)

RETRY, FREE, OTHER_DEVICE, CPU, GIVE_UP = "retry", "free", "other_device", "cpu", "give_up"
ACTIONS = (RETRY, FREE, OTHER_DEVICE, CPU, GIVE_UP)
# Kinds of errors. Refused: the engine itself says why, such as a file that is missing.
CUDA_LOST, OUT_OF_MEMORY, REFUSED, FAILED = "cuda_lost", "out_of_memory", "refused", "failed"
ANY = "any"
MOST_ATTEMPTS = 100


@dataclass(frozen=True)
class LoadFailure:
    """A load that failed: of which model, on which device, and why."""

    id: str
    device: str
    error: Exception

    @property
    def kind(self) -> str:
        """Name the kind of its error."""
        if is_fatal(self.error):
            return CUDA_LOST
        if is_out_of_memory(self.error):
            return OUT_OF_MEMORY
        return REFUSED if isinstance(self.error, YamabikoError) else FAILED


# The kind of an error, the name or the type of an exception, or a function that tells.
Match = str | type[Exception] | Callable[[LoadFailure], bool]
# One of ACTIONS, or a function that mends something, after which the load is tried again.
Action = str | Callable[[LoadFailure], Any]


@dataclass(frozen=True)
class RecoveryRule:
    """An action for failures that match, and how often one load takes it."""

    match: Match
    action: Action
    attempts: int = 1

    def matches(self, failure: LoadFailure) -> bool:
        if isinstance(self.match, type):
            return isinstance(failure.error, self.match)
        if callable(self.match):
            return self.match(failure)
        names = [kind.__name__ for kind in type(failure.error).__mro__]
        return self.match in (ANY, failure.kind, *names)


BUILT_IN = (
    RecoveryRule(CUDA_LOST, GIVE_UP),
    RecoveryRule(OUT_OF_MEMORY, FREE),
    RecoveryRule(OUT_OF_MEMORY, OTHER_DEVICE, attempts=MOST_ATTEMPTS),
    RecoveryRule(OUT_OF_MEMORY, CPU),
    # The engine says why; trying again brings no file and no device.
    RecoveryRule(REFUSED, GIVE_UP),
    RecoveryRule(FAILED, RETRY),
    RecoveryRule(FAILED, CPU),
)


class Recovery:
    """The rules of a server: those of programs and settings, then the ones that are built in."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._rules = [*_rules_of(settings), *BUILT_IN]

    def on_failure(self, match: Match, action: Action, attempts: int = 1) -> Callable[[], None]:
        """Put a rule before all others; the function that is returned removes it."""
        if isinstance(action, str) and action not in ACTIONS:
            raise ValueError(f"{action!r} is no action; there are: {', '.join(ACTIONS)}")
        rule = RecoveryRule(match, action, min(attempts, MOST_ATTEMPTS))
        self._rules.insert(0, rule)
        return lambda: self._remove(rule)

    def course(self) -> RecoveryCourse:
        """Begin the course of one load."""
        return RecoveryCourse(tuple(self._rules))

    def _remove(self, rule: RecoveryRule) -> None:
        # By identity: an equal rule may have been put there by somebody else.
        self._rules = [each for each in self._rules if each is not rule]


class RecoveryCourse:
    """The rules that one load has taken so far."""

    def __init__(self, rules: tuple[RecoveryRule, ...]) -> None:
        self._rules = rules
        self._taken: Counter[int] = Counter()

    def next_action(self, failure: LoadFailure, possible: Callable[[str], bool]) -> Action:
        """Return the first action that matches, is possible and was not taken too often."""
        for place, rule in enumerate(self._rules):
            if self._taken[place] >= rule.attempts or not rule.matches(failure):
                continue
            if isinstance(rule.action, str) and not possible(rule.action):
                continue
            self._taken[place] += 1
            return rule.action
        return GIVE_UP


async def mend(action: Callable[[LoadFailure], Any], failure: LoadFailure) -> bool:
    """Run a program's own action; return False where that fails, too."""
    try:
        outcome = action(failure)
        if inspect.isawaitable(outcome):
            await outcome
    except Exception:
        logger.exception("the action for %s that does not load failed", failure.id)
        return False
    return True


def _rules_of(settings: Mapping[str, Any]) -> list[RecoveryRule]:
    """Read `models.recovery`: for each match a list of actions, in the order of trying."""
    rules = []
    for match, actions in settings.items():
        if not isinstance(actions, list | tuple) or not all(each in ACTIONS for each in actions):
            raise SettingsError(
                f"models.recovery: {match} is {actions!r}; a list of these is expected: "
                f"{', '.join(ACTIONS)}.",
                field="models.recovery",
            )
        rules += [RecoveryRule(match, action) for action in actions[:MOST_ATTEMPTS]]
    return rules
