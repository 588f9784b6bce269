"""The choice of the quickest plan: measured within a bound of time, and remembered in a file."""

from __future__ import annotations

import json
import logging
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from realtime.acceleration import machine, policy
from realtime.acceleration.backends.built import file_key
from realtime.acceleration.backends.engine_files import EngineFiles
from realtime.acceleration.plan import Plan
from realtime.acceleration.shapes import Fit
from realtime.acceleration.spec import NetworkSpec

logger = logging.getLogger(__name__)

RUNS = 7  # of each plan, of which the median counts
MOST_SECONDS = 3.0  # of measuring one plan
MARGIN = 0.95  # a plan takes memory, so it must save 5 % of eager's time to be worth it


@dataclass
class Choice:
    """The chosen plan, and the milliseconds that each plan took."""

    plan: str
    milliseconds: dict[str, float] = field(default_factory=dict)
    remembered: bool = False
    whole: bool = True  # whether every candidate was tried
    made: dict[str, Plan] = field(default_factory=dict)  # the chosen plan, if it was made


def choose(
    spec: NetworkSpec,
    make: Callable[[str], Plan],
    clock: Callable[[], float] = time.perf_counter,
) -> Choice:
    """Return the remembered plan of this network on this machine, or measure which is quickest."""
    files = EngineFiles(spec.policy.folder, spec.policy.folder_bytes)
    key = _key(spec)
    candidates = policy.candidates(spec.network.device.type)
    remembered = _remembered(files.find("choice", key).data, candidates)
    if remembered is not None:
        return remembered
    choice = _measure(spec, make, candidates, clock)
    logger.info("%s: %s is the quickest: %s", spec.name, choice.plan, choice.milliseconds)
    if choice.whole:  # else the next start measures on: it finds what was compiled by now
        kept = {"plan": choice.plan, "milliseconds": choice.milliseconds}
        files.keep("choice", key, json.dumps(kept).encode())
    return choice


def _key(spec: NetworkSpec) -> dict[str, object]:
    facts = machine.machine_facts(spec.network.device)
    for package in ("onnxruntime", "torch-tensorrt"):
        facts[package] = machine.package_version(package) or "none"
    key = file_key(spec, facts)
    return {**key, "tuned": spec.policy.tuned, "state": spec.network.stateful}


def _remembered(data: bytes | None, candidates: Sequence[str]) -> Choice | None:
    """Read a remembered choice; None when there is none, or none that makes sense."""
    if data is None:
        return None
    try:
        kept = json.loads(data)
        plan, took = kept["plan"], {str(k): float(v) for k, v in kept["milliseconds"].items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return Choice(plan, took, remembered=True) if plan in candidates else None


def _measure(
    spec: NetworkSpec,
    make: Callable[[str], Plan],
    candidates: Sequence[str],
    clock: Callable[[], float],
) -> Choice:
    choice = Choice("eager")
    end = clock() + spec.policy.auto_seconds
    best: float | None = None
    for name in candidates:
        if clock() > end:
            logger.info("%s: no time to try %s", spec.name, name)
            choice.whole = False
            break
        plan = make(name)
        took = _seconds_of(spec, plan, clock)
        if took is None:
            continue
        choice.milliseconds[name] = round(1000 * took, 4)
        if best is None or took < best * MARGIN:
            for beaten in choice.made.values():
                beaten.close()
            choice.plan, choice.made, best = name, {name: plan}, took
        else:
            plan.close()
    return choice


def _seconds_of(spec: NetworkSpec, plan: Plan, clock: Callable[[], float]) -> float | None:
    """Measure the seconds of a run, the median of several; None when the plan cannot run."""
    sizes = spec.shapes.example
    inputs = spec.sample(sizes)
    fit = Fit(sizes, sizes, True)
    if not plan.offers(fit) or not plan.prepare(sizes, inputs):
        return None
    took: list[float] = []
    with spec.network.unchanged():
        end = clock() + MOST_SECONDS
        while len(took) < RUNS and (not took or clock() < end):
            spec.network.synchronise()
            started = clock()
            if plan.run(fit, inputs) is None:
                return None
            spec.network.synchronise()
            took.append(clock() - started)
    return statistics.median(took)
