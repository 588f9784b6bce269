"""A network as engines call it: the quickest plan that is right, and eager whenever none is."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from realtime.acceleration import device_memory
from realtime.acceleration.backends.buffer_lock import Lent
from realtime.acceleration.counters import Counters
from realtime.acceleration.device_lock import DEVICE_LOCK
from realtime.acceleration.plan import Plan
from realtime.acceleration.shapes import Fit, Misfit, Sizes, Tensors
from realtime.acceleration.spec import NetworkSpec
from realtime.acceleration.torch_modes import ordinary, taken
from realtime.errors import BadRequest, OutOfMemory

if TYPE_CHECKING:
    from torch import Tensor, nn

logger = logging.getLogger(__name__)

EXACT = "exact"  # fp32 in the place of a shorter precision that was not near enough


class Accelerated:
    """Call it like the module: positional tensors in, the module's tensors out, in fp32.

    Several threads may call it at once. What comes out belongs to the caller; `lease` saves the
    copy. A network with state takes one call at a time, and what its plan cannot run is run again
    by the next: a call must give the same when it is repeated, so it writes where its inputs say.
    """

    def __init__(
        self,
        parts: NetworkSpec,
        rungs: Sequence[Plan],
        ledger: Counters,
        *,
        plan: str,
        told: dict[str, Any] | None = None,
    ) -> None:
        self.name = parts.name
        self.plan = plan
        self.enabled = parts.policy.enabled
        self.network = parts.network
        self.shapes = parts.shapes
        self._parts = parts
        self._rungs = list(rungs)
        self._eager = self._rungs[-1]
        self._ledger = ledger
        self._told = told or {}
        # A network with state: a step and a check must not meet in its buffers.
        self._turn = threading.RLock() if parts.network.stateful else None
        # A plan that cannot run here says so at once; those after it are made when they are needed.
        next(rung for rung in self._rungs if rung.form() is not None)

    @property
    def module(self) -> nn.Module:
        """The module that works: its buffers are the ones that calls read and change."""
        return self.network.module

    @property
    def mode(self) -> str:
        """The plan that is in force."""
        if not self.enabled:
            return "eager"
        return next(rung.plan for rung in self._rungs if rung.reason is None)

    @property
    def failed(self) -> list[tuple[str, Sizes]]:
        """The buckets that a plan could not run, so that another did."""
        return [(rung.plan, sizes) for rung in self._rungs for sizes in rung.failed()]

    def __call__(self, *inputs: Tensor) -> Any:
        self._ledger.begin()
        try:
            with self._held(), DEVICE_LOCK.working(), ordinary():
                outputs = self._outputs(taken(inputs))
        finally:
            self._ledger.end()
        return outputs[0] if self.network.gives_one else outputs

    @contextmanager
    def lease(self, *inputs: Tensor) -> Iterator[Lent]:
        """The outputs where the plan leaves them; with the block's end they may be overwritten.

        Nobody else's call touches them before, so the block should be short.
        """
        self._ledger.begin()
        try:
            with ExitStack() as stack:
                stack.enter_context(self._held())
                stack.enter_context(DEVICE_LOCK.working())
                with ordinary():  # the block itself runs in its holder's mode
                    outputs = stack.enter_context(self._leased(taken(inputs)))
                lent = Lent(outputs)
                stack.callback(lent.end)
                yield lent
        finally:
            self._ledger.end()

    def prepare(self, buckets: Sequence[Sizes] | None = None) -> list[Sizes]:
        """Make buckets ready before they are called, all when none is named; gives those that are.

        Belongs to the start: it may take minutes, and a network with state must not be called
        meanwhile by anybody else.
        """
        ready = []
        for sizes in self.shapes.buckets() if buckets is None else buckets:
            if len(sizes) != len(self.shapes.axes):
                raise BadRequest(f"A bucket has {len(self.shapes.axes)} sizes, not {len(sizes)}.")
            with self._held(), DEVICE_LOCK.working(), ordinary():
                done = self._prepare(tuple(sizes))
            if done:
                ready.append(tuple(sizes))
        self._prove_eager()
        return ready

    def prepare_when_quiet(self, quiet_seconds: float = 0.0) -> bool:
        """Make the most used bucket ready that is not; whether something was done.

        For quiet moments. A network with state is left alone: somebody may be between two steps.
        """
        if not self.enabled or self._turn is not None:
            return False
        if self._ledger.quiet_for() < quiet_seconds:
            return False
        # Who came meanwhile is not kept waiting: there will be other quiet moments.
        with DEVICE_LOCK.working(), DEVICE_LOCK.without_waiting(), ordinary():
            return any(self._prepare_quietly(sizes) for sizes in self._ledger.most_used())

    def switch(self, enabled: bool) -> None:
        """Off: every call runs eager. On again: what had failed is tried once more."""
        if enabled and not self.enabled:
            for rung in self._rungs:
                rung.forgive()
        self.enabled = enabled
        logger.info("%s: acceleration %s", self.name, "on" if enabled else "off")

    def count_overlap(self, computed: int, kept: int) -> None:
        """For those who cut their input into windows: how much was computed, how much kept."""
        self._ledger.count_overlap(computed, kept)

    def clear_memory(self) -> None:
        device_memory.clear(self.network.device)

    def close(self) -> None:
        """Let go of every form; a later call runs eager."""
        self.enabled = False
        with DEVICE_LOCK.working():
            for rung in self._rungs:
                rung.close()
        if self._parts.policy.clear_memory:
            self.clear_memory()

    def described(self) -> dict[str, Any]:
        """What `GET /api/acceleration` says of it."""
        found: dict[str, Any] = {
            "name": self.name,
            "enabled": self.enabled,
            "plan": self.plan,
            "mode": self.mode,
            "precision": self.network.precision,
            "device": str(self.network.device),
            **self._ledger.described(),
            "memory_bytes": device_memory.reserved_bytes(self.network.device),
            "plans": [{"plan": r.plan, "reason": r.reason, **r.described()} for r in self._rungs],
            "buckets": [bucket for rung in self._rungs for bucket in rung.buckets()],
        }
        return {**found, **self._told}

    def _held(self) -> AbstractContextManager[Any]:
        """A network with state is one caller's until the end of the block."""
        return nullcontext() if self._turn is None else self._in_turn(self._turn)

    @contextmanager
    def _in_turn(self, turn: threading.RLock) -> Iterator[None]:
        with DEVICE_LOCK.waiting():
            turn.acquire()
        try:
            yield
        finally:
            turn.release()

    def _prove_eager(self) -> None:
        """What no bucket holds runs eager too, and slowly until that was held against the truth."""
        if not self.network.is_exact and not self._eager.proved_any():
            sizes = self.shapes.smallest
            with self._held(), DEVICE_LOCK.working(), ordinary():
                self._eager.prepare(sizes, self._parts.sample(sizes))

    def _prepare_quietly(self, sizes: Sizes) -> bool:
        """Prepare a bucket for its best plan, if it is not and has a place there."""
        fit = Fit(sizes, sizes, True)
        best = next((rung for rung in self._rungs[:-1] if rung.offers(fit)), None)
        if best is None or best.has(sizes) or not best.has_place_for(sizes):
            return False
        return best.prepare(sizes, self._parts.sample(sizes))

    def _prepare(self, sizes: Sizes) -> bool:
        inputs = self._parts.sample(sizes)
        fit = Fit(sizes, sizes, True)
        for rung in self._rungs:
            if rung.offers(fit) and rung.prepare(sizes, inputs):
                return True
        return False

    def _outputs(self, inputs: Tensors) -> Tensors:
        """What the first plan gives that can."""
        inputs = self.network.moved(inputs)
        fit = self.shapes.fit(inputs)
        failed: list[Plan] = []
        for rung in self._ready(fit, inputs, failed):
            assert isinstance(fit, Fit), "without a bucket no plan is ready"
            outputs = rung.run(fit, inputs)
            if outputs is not None:
                return outputs
        return self._after(failed, fit, inputs)

    @contextmanager
    def _leased(self, inputs: Tensors) -> Iterator[Tensors]:
        inputs = self.network.moved(inputs)
        fit = self.shapes.fit(inputs)
        failed: list[Plan] = []
        for rung in self._ready(fit, inputs, failed):
            assert isinstance(fit, Fit), "without a bucket no plan is ready"
            with rung.lease(fit, inputs) as lent:
                if lent is not None:
                    yield lent
                    return
        yield self._after(failed, fit, inputs)

    def _ready(self, fit: Fit | Misfit, inputs: Tensors, failed: list[Plan]) -> Iterator[Plan]:
        """The plans that can answer a call, the best first; who asks for the next had no luck."""
        if isinstance(fit, Misfit):
            self._ledger.fell_back(self.mode, None, fit.reason)
            return
        for rung in self._rungs if self.enabled else [self._eager]:
            offered = rung.offers(fit)
            if self._is_ready(rung, fit, inputs):
                yield rung
            if offered:
                failed.append(rung)

    def _is_ready(self, rung: Plan, fit: Fit, inputs: Tensors) -> bool:
        """Whether a plan can answer a call now, perhaps after it was prepared for it."""
        if not rung.offers(fit):
            if rung.form() is not None and not fit.exact:
                self._ledger.fell_back(rung.plan, fit.bucket, "between two buckets")
            return False
        if rung.has(fit.bucket):
            return True
        if self._parts.policy.when_idle and rung is not self._eager:
            self._ledger.fell_back(rung.plan, fit.bucket, "not prepared yet")
            return False
        # The check belongs to the bucket, so it is held with the bucket's own shape.
        whole = self.shapes.padded(inputs, fit) if fit.exact else self._parts.sample(fit.bucket)
        return rung.prepare(fit.bucket, whole)

    def _after(self, failed: list[Plan], fit: Fit | Misfit, inputs: Tensors) -> Tensors:
        """What torch gives when the plans failed; inputs that it fails at too are to blame."""
        try:
            return self._plainly(fit, inputs)
        except Exception:
            for rung in failed:
                assert isinstance(fit, Fit), "without a bucket no plan was tried"
                rung.pardon(fit.bucket)
            raise

    def _plainly(self, fit: Fit | Misfit, inputs: Tensors) -> Tensors:
        """As torch runs it, for what no plan has; once more when memory was short."""
        proved = self.network.is_exact or self._eager.proved_any()
        run: Callable[[Tensors], Tensors] = self.network.run if proved else self.network.exact
        # Outside of the error's block: its traceback holds every activation of the run.
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
        self._ledger.ran("eager" if proved else EXACT, fit if isinstance(fit, Fit) else None)
        return found
