"""Which plan is the quickest here: measured within a bound of time, and remembered."""

from __future__ import annotations

import json
import logging
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from realtime.acceleration import machine
from realtime.acceleration.backends.built import key_of
from realtime.acceleration.backends.engine_files import EngineFiles
from realtime.acceleration.plan import Plan
from realtime.acceleration.shapes import Fit
from realtime.acceleration.spec import NetworkSpec

logger = logging.getLogger(__name__)

# What is cheap to make comes first: time may be short.
CANDIDATES = {
    "cpu": ("eager", "onnx", "compile"),
    "cuda": ("eager", "eager_graphs", "compile", "graphs", "tensorrt"),
}
RUNS = 7
MOST_SECONDS = 3.0  # of measuring one plan
MARGIN = 0.95  # a plan must be so much quicker than eager to be worth its memory


@dataclass
class Choice:
    """The plan that was chosen, and what each took in milliseconds."""

    plan: str
    milliseconds: dict[str, float] = field(default_factory=dict)
    remembered: bool = False
    whole: bool = True  # whether every candidate was tried
    rungs: dict[str, Plan] = field(default_factory=dict)


def choose(
    parts: NetworkSpec,
    rung_of: Callable[[str], Plan],
    clock: Callable[[], float] = time.perf_counter,
) -> Choice:
    """The remembered plan of this network on this machine, or the quickest that is right."""
    files = EngineFiles(parts.policy.folder, parts.policy.folder_bytes)
    key = _key(parts)
    candidates = CANDIDATES.get(parts.network.device.type, CANDIDATES["cpu"])
    remembered = _remembered(files.find("choice", key).data, candidates)
    if remembered is not None:
        return remembered
    choice = _measured(parts, rung_of, candidates, clock)
    logger.info("%s: %s is the quickest: %s", parts.name, choice.plan, choice.milliseconds)
    told = {"plan": choice.plan, "milliseconds": choice.milliseconds}
    if choice.whole:  # what was cut short goes on at the next start: what it compiled is kept
        files.keep("choice", key, json.dumps(told).encode())
    return choice


def _key(parts: NetworkSpec) -> dict[str, object]:
    facts = machine.machine_facts(parts.network.device)
    for package in ("onnxruntime", "torch-tensorrt"):
        facts[package] = machine.package_version(package) or "none"
    key = key_of(parts, facts)
    return {**key, "tuned": parts.policy.tuned, "state": parts.network.stateful}


def _remembered(data: bytes | None, candidates: tuple[str, ...]) -> Choice | None:
    if data is None:
        return None
    try:
        told = json.loads(data)
        plan, took = told["plan"], {str(k): float(v) for k, v in told["milliseconds"].items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return Choice(plan, took, remembered=True) if plan in candidates else None


def _measured(
    parts: NetworkSpec,
    rung_of: Callable[[str], Plan],
    candidates: tuple[str, ...],
    clock: Callable[[], float],
) -> Choice:
    choice = Choice("eager")
    end = clock() + parts.policy.auto_seconds
    best = float("inf")
    for plan in candidates:
        if clock() > end:
            logger.info("%s: no time to try %s", parts.name, plan)
            choice.whole = False
            break
        rung = rung_of(plan)
        took = _time_of(parts, rung, clock)
        if took is None:
            continue
        choice.milliseconds[plan] = round(1000 * took, 4)
        if took < best * (1.0 if best == float("inf") else MARGIN):
            _close(choice.rungs)
            choice.plan, choice.rungs, best = plan, {plan: rung}, took
        else:
            rung.close()
    return choice


def _close(rungs: dict[str, Plan]) -> None:
    for rung in rungs.values():
        rung.close()


def _time_of(parts: NetworkSpec, rung: Plan, clock: Callable[[], float]) -> float | None:
    """Seconds of a run, the median of several; None when the plan cannot run."""
    sizes = parts.shapes.example
    inputs = parts.sample(sizes)
    fit = Fit(sizes, sizes, True)
    if not rung.offers(fit) or not rung.prepare(sizes, inputs):
        return None
    took: list[float] = []
    with parts.network.unchanged():
        end = clock() + MOST_SECONDS
        while len(took) < RUNS and (not took or clock() < end):
            parts.network.synchronise()
            started = clock()
            if rung.run(fit, inputs) is None:
                return None
            parts.network.synchronise()
            took.append(clock() - started)
    return statistics.median(took)
