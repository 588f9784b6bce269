"""A network as engines call it: the quickest plan that is right, and eager where none is."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from realtime.acceleration import device_memory
from realtime.acceleration.backends.buffer_lock import Lent
from realtime.acceleration.device_lock import DEVICE_LOCK
from realtime.acceleration.plan import Plan
from realtime.acceleration.shapes import Fit, Misfit, Sizes, Tensors
from realtime.acceleration.spec import NetworkSpec
from realtime.acceleration.torch_modes import normal_tensors, without_gradients
from realtime.errors import BadRequest, OutOfMemory

if TYPE_CHECKING:
    from torch import Tensor, nn

logger = logging.getLogger(__name__)

Measured = dict[str, Any]  # milliseconds of each plan, for the report

EXACT = "exact"  # counted for fp32 in the place of a shorter precision that was not near enough


class Accelerated:
    """A callable like the module: positional tensors in, the module's tensors out, in fp32.

    Several threads may call it at once. What comes out belongs to the caller; `lease` saves the
    copy. A network with state takes one call at a time, and a call that a plan cannot end is run
    again by the next plan: so a call must give the same when it is repeated, which it does where
    its inputs say where it writes.
    """

    def __init__(
        self,
        spec: NetworkSpec,
        plans: Sequence[Plan],
        *,
        plan: str,
        measured: Measured | None = None,
        choose: Callable[[], tuple[list[Plan], Measured]] | None = None,
    ) -> None:
        """Take the plans, the best first and eager last; `measured` is for the report.

        `choose` measures which plan is the quickest when the network is first switched on.
        """
        self.name = spec.name
        self.plan = plan
        self.enabled = spec.policy.enabled
        self.network = spec.network
        self.shapes = spec.shapes
        self._spec = spec
        self._plans = list(plans)
        self._eager = self._plans[-1]
        self._counters = spec.counters
        self._measured = measured
        self._choose = choose
        # A call and a check must not meet in the buffers of a network with state.
        self._state_lock = threading.RLock() if spec.network.stateful else None
        # The first plan that can run is made now, so that the report says at once why others
        # cannot; plans after it are made when they are needed. Switched off, only eager is.
        for first in self._allowed_plans():
            if first.backend() is not None:
                break

    @property
    def module(self) -> nn.Module:
        """Return the module that works: its buffers are the ones that calls read and change."""
        return self.network.module

    @property
    def mode(self) -> str:
        """Return the plan that is in force."""
        if not self.enabled:
            return "eager"
        return next(plan.name for plan in self._plans if plan.reason is None)

    @property
    def failed(self) -> list[tuple[str, Sizes]]:
        """List the plans with the buckets that they could not run, so that another did."""
        return [(plan.name, sizes) for plan in self._plans for sizes in plan.failed_buckets()]

    def __call__(self, *inputs: Tensor) -> Any:
        self._counters.begin()
        try:
            with self._state_to_itself(), DEVICE_LOCK.working(), without_gradients():
                outputs = self._outputs(normal_tensors(inputs))
        finally:
            self._counters.end()
        return outputs[0] if self.network.gives_one else outputs

    @contextmanager
    def lease(self, *inputs: Tensor) -> Iterator[Lent]:
        """Yield the outputs where the plan left them; after the block they may be overwritten.

        Other calls wait for these buffers meanwhile, so the block should be short.
        """
        self._counters.begin()
        try:
            with ExitStack() as stack:
                stack.enter_context(self._state_to_itself())
                stack.enter_context(DEVICE_LOCK.working())
                with without_gradients():  # not for the block itself, which keeps its own mode
                    outputs = self._outputs(normal_tensors(inputs), stack)
                lent = Lent(outputs)
                stack.callback(lent.end)
                yield lent
        finally:
            self._counters.end()

    def prepare(self, buckets: Sequence[Sizes] | None = None) -> list[Sizes]:
        """Make buckets ready before they are called, all by default; return those that are.

        Belongs to the start: it may take minutes, and a network with state must not be called by
        other threads meanwhile.
        """
        ready = []
        for sizes in self.shapes.buckets() if buckets is None else buckets:
            if len(sizes) != len(self.shapes.axes):
                raise BadRequest(f"A bucket has {len(self.shapes.axes)} sizes, not {len(sizes)}.")
            with self._state_to_itself(), DEVICE_LOCK.working(), without_gradients():
                done = self._prepare(tuple(sizes))
            if done:
                ready.append(tuple(sizes))
        self._check_eager()
        return ready

    def prepare_when_quiet(self, quiet_seconds: float = 0.0) -> bool:
        """Prepare the most used bucket that is not ready, if no call came for so long.

        Return whether one was prepared. A network with state is left alone: its engine may be
        between two steps.
        """
        if not self.enabled or self._state_lock is not None:
            return False
        if self._counters.quiet_for() < quiet_seconds:
            return False
        # A capture must not keep a call waiting that comes meanwhile: there are more quiet moments.
        with DEVICE_LOCK.working(), DEVICE_LOCK.without_waiting(), without_gradients():
            return any(self._prepare_best(sizes) for sizes in self._counters.most_used())

    def switch(self, enabled: bool) -> None:
        """Run every call eager, or the plans again; those that had failed are then tried again."""
        if enabled and not self.enabled:
            if self._choose is not None:
                self._choose_plans(self._choose)
            for plan in self._plans:
                plan.forget_failures()
        self.enabled = enabled
        logger.info("%s: acceleration %s", self.name, "on" if enabled else "off")

    def count_overlap(self, computed: int, kept: int) -> None:
        """Count what an engine's overlapping windows computed, and the part of it that it kept."""
        self._counters.count_overlap(computed, kept)

    def clear_memory(self) -> None:
        """Give back what torch holds unused on this network's device."""
        device_memory.clear(self.network.device)

    def close(self) -> None:
        """Close every plan; a later call runs eager."""
        self.enabled = False
        with DEVICE_LOCK.working():
            for plan in self._plans:
                plan.close()
        if self._spec.policy.clear_memory:
            self.clear_memory()

    def described(self) -> dict[str, Any]:
        """Give the report of this network, for `GET /api/acceleration`."""
        found: dict[str, Any] = {
            "name": self.name,
            "enabled": self.enabled,
            "plan": self.plan,
            "mode": self.mode,
            "precision": self.network.precision,
            "device": str(self.network.device),
            **self._counters.described(),
            "memory_bytes": device_memory.reserved_bytes(self.network.device),
            "plans": [plan.described() for plan in self._plans],
            "buckets": [bucket for plan in self._plans for bucket in plan.described_buckets()],
        }
        return found if self._measured is None else {**found, "auto": self._measured}

    def _allowed_plans(self) -> list[Plan]:
        """List the plans that may answer: eager alone when the network is switched off."""
        return self._plans if self.enabled else [self._eager]

    def _choose_plans(self, choose: Callable[[], tuple[list[Plan], Measured]]) -> None:
        """Make the choice that was put off while the network was switched off."""
        self._choose = None
        with self._state_to_itself(), DEVICE_LOCK.working(), without_gradients():
            self._plans, self._measured = choose()
        self._eager = self._plans[-1]

    def _state_to_itself(self) -> AbstractContextManager[Any]:
        """Keep other threads away from the network's state, if it has one."""
        if self._state_lock is None:
            return nullcontext()
        return _locked(self._state_lock)

    def _check_eager(self) -> None:
        """Check one bucket of eager, which also answers for lengths that no bucket holds.

        Until that was checked the truth answers for them, which is slow.
        """
        if not self.network.is_exact and not self._eager.is_trusted():
            sizes = self.shapes.smallest
            with self._state_to_itself(), DEVICE_LOCK.working(), without_gradients():
                self._eager.prepare(sizes, self._spec.sample(sizes))

    def _prepare(self, sizes: Sizes) -> bool:
        """Prepare a bucket for the first plan that can run it."""
        inputs = self._spec.sample(sizes)
        fit = Fit(sizes, sizes, True)
        plans = self._allowed_plans()
        return any(plan.offers(fit) and plan.prepare(sizes, inputs) for plan in plans)

    def _prepare_best(self, sizes: Sizes) -> bool:
        """Prepare a bucket for its best plan, unless it is ready or has no place there."""
        fit = Fit(sizes, sizes, True)
        best = next((plan for plan in self._plans[:-1] if plan.offers(fit)), None)
        if best is None or best.is_ready(sizes) or not best.has_place_for(sizes):
            return False
        return best.prepare(sizes, self._spec.sample(sizes))

    def _outputs(self, inputs: Tensors, lease: ExitStack | None = None) -> Tensors:
        """Return what the first plan gives that can run; with a lease perhaps in its buffers."""
        inputs = self.network.to_device(inputs)
        fit = self.shapes.fit(inputs)
        if isinstance(fit, Misfit):
            self._counters.fell_back(self.mode, None, fit.reason)
            return self._run_by_torch(None, inputs)
        failed: list[Plan] = []
        for plan in self._allowed_plans():
            if not plan.offers(fit):
                if plan.backend() is not None and not fit.exact:
                    self._counters.fell_back(plan.name, fit.bucket, "between two buckets")
                continue
            if self._is_ready(plan, fit, inputs):
                outputs = plan.run(fit, inputs, lease)
                if outputs is not None:
                    return outputs
            failed.append(plan)
        try:
            return self._run_by_torch(fit, inputs)
        except Exception:
            # Torch fails at these inputs as well: they are to blame, and no plan is.
            for plan in failed:
                plan.forget_failure(fit.bucket)
            raise

    def _is_ready(self, plan: Plan, fit: Fit, inputs: Tensors) -> bool:
        """Return whether a plan may answer a call now, perhaps after preparing its bucket."""
        if plan.is_ready(fit.bucket):
            return True
        if self._spec.policy.when_idle and plan is not self._eager:
            self._counters.fell_back(plan.name, fit.bucket, "not prepared yet")
            return False
        # The check belongs to the bucket, so it is made with inputs of the bucket's own shape.
        whole = self.shapes.pad(inputs, fit) if fit.exact else self._spec.sample(fit.bucket)
        return plan.prepare(fit.bucket, whole)

    def _run_by_torch(self, fit: Fit | None, inputs: Tensors) -> Tensors:
        """Run a call that no plan could, once more in cleared memory when memory was short."""
        trusted = self.network.is_exact or self._eager.is_trusted()
        run: Callable[[Tensors], Tensors] = self.network.run if trusted else self.network.run_exact
        # The second run is outside of the first one's `except` block: the traceback of an error
        # holds every activation of the run that raised it.
        found = device_memory.unless_out_of_memory(run, inputs)
        if found is None:
            device_memory.clear(self.network.device)
            found = device_memory.unless_out_of_memory(run, inputs)
        if found is None:
            raise OutOfMemory(
                f"The memory of {self.network.device} is not enough for {self.name}.",
                hint="Ask for less at once.",
                retry_after=2,
            )
        self._counters.ran("eager" if trusted else EXACT, fit)
        return found


@contextmanager
def _locked(lock: threading.RLock) -> Iterator[None]:
    # Who waits for the lock does no work, so a capture need not wait for it.
    with DEVICE_LOCK.waiting():
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
