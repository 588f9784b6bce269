"""A plan of one network: made when it is needed, checked against the truth, or given up."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from realtime.acceleration import device_memory
from realtime.acceleration.backends.backend import Backend
from realtime.acceleration.counters import error_text
from realtime.acceleration.device_lock import DEVICE_LOCK
from realtime.acceleration.refusals import CannotRun, NotNow
from realtime.acceleration.shapes import Fit, Sizes, Tensors
from realtime.acceleration.spec import NetworkSpec
from realtime.acceleration.tolerance import Verdict, judge

logger = logging.getLogger(__name__)


class Plan:
    """A backend that may be missing, with the buckets that were checked and those that failed."""

    def __init__(self, name: str, make: Callable[[], Backend], spec: NetworkSpec) -> None:
        self.name = name
        self.reason: str | None = None  # why the plan cannot run here at all
        self._make = make
        self._spec = spec
        self._network = spec.network
        self._counters = spec.counters
        self._backend: Backend | None = None
        self._checked: dict[Sizes, Verdict] = {}
        self._failures: dict[Sizes, str] = {}
        self._was_wrong = False  # in one of its buckets
        self._memory_was_short = False  # so that a bucket could not be checked
        # Two locks: making a backend takes minutes, and no call and no report may wait for it.
        self._making = threading.RLock()
        self._lock = threading.Lock()

    def backend(self) -> Backend | None:
        """Return the backend, made at the first call; None, with a reason, when it cannot run."""
        if self._backend is not None or self.reason is not None:
            return self._backend
        with self._making:
            if self._backend is None and self.reason is None:
                try:
                    self._backend = self._make()
                except Exception as error:  # noqa: BLE001 -- whatever a compiler raises, eager runs
                    self._give_up(None, error)
            return self._backend

    def offers(self, fit: Fit) -> bool:
        """Return whether this plan could run a call, prepared or not."""
        if self.reason is not None or fit.bucket in self._failures:
            return False
        backend = self.backend()
        return backend is not None and (backend.dynamic or fit.exact)

    def is_ready(self, sizes: Sizes) -> bool:
        """Return whether a bucket was checked and is still held."""
        backend = self._backend
        checked = sizes in self._checked and sizes not in self._failures
        return backend is not None and checked and backend.holds(sizes)

    def has_place_for(self, sizes: Sizes) -> bool:
        """Return whether a bucket is worth preparing in a quiet moment."""
        backend = self.backend()
        return backend is not None and backend.has_place_for(sizes)

    def failed_buckets(self) -> list[Sizes]:
        """List the buckets that this plan cannot run, in order."""
        with self._lock:
            return sorted(self._failures)

    def is_trusted(self) -> bool:
        """Return whether this plan may also answer for buckets that were not checked.

        Memory that was too short for a check proves nothing against the plan, and answering by the
        truth instead would take more memory still, and far more time.
        """
        return bool(self._checked) or (self._memory_was_short and not self._was_wrong)

    def prepare(self, sizes: Sizes, inputs: Tensors) -> bool:
        """Make and check a bucket, and return whether it may run; the state stays as it was."""
        with self._only_thread_that_makes():
            if self.is_ready(sizes):
                return True
            if (backend := self.backend()) is None or sizes in self._failures:
                return False
            try:
                verdict = self._checked_bucket(backend, sizes, inputs)
            except NotNow as error:
                self._counters.fell_back(self.name, sizes, error_text(error))
                return False
            except Exception as error:  # noqa: BLE001 -- as above
                self._give_up(sizes, error)
                backend.drop(sizes)
                return False
            with self._lock:
                self._checked[sizes] = verdict
            logger.info("%s: %s runs %s: %s", self._spec.name, self.name, sizes, verdict.words)
            return True

    def run(self, fit: Fit, inputs: Tensors, lease: ExitStack | None = None) -> Tensors | None:
        """Return the outputs, as `Backend.run` does; None when it failed and another must run."""
        if (backend := self._backend) is None:
            return None  # closed meanwhile
        filled = fit.padded and not backend.dynamic
        try:
            given = self._spec.shapes.pad(inputs, fit) if filled else inputs
            found = backend.run(fit.bucket, given, lease)
        except NotNow as error:
            self._counters.fell_back(self.name, fit.bucket, error_text(error))
            return None
        except Exception as error:  # noqa: BLE001 -- as above
            self._give_up(fit.bucket, error)
            return None
        self._counters.ran(self.name, fit, filled)
        return self._spec.shapes.cut(found, fit) if filled else found

    def forget_failure(self, sizes: Sizes) -> None:
        """Allow a bucket again that failed at inputs which no plan could have run."""
        with self._lock:
            self._failures.pop(sizes, None)

    def forget_failures(self) -> None:
        """Allow everything again that could not run."""
        with self._lock:
            self.reason = None
            self._failures.clear()

    def close(self) -> None:
        """Close the backend; a later call runs by another plan until this one is prepared again."""
        with self._making, self._lock:
            if self._backend is not None:
                self._backend.close()
            self._backend = None
            self._checked.clear()

    def described(self) -> dict[str, Any]:
        """Give the report of this plan."""
        more = {} if self._backend is None else self._backend.described()
        return {"plan": self.name, "reason": self.reason, **more}

    def described_buckets(self) -> list[dict[str, Any]]:
        """Give the report of each bucket that is ready or failed."""
        with self._lock:
            states = [(s, "ready", v.words) for s, v in self._checked.items() if self.is_ready(s)]
            states += [(sizes, "failed", reason) for sizes, reason in self._failures.items()]
        return [
            {
                "sizes": list(sizes),
                "plan": self.name,
                "state": state,
                "check": words,
                "uses": self._counters.uses(sizes),
            }
            for sizes, state, words in states
        ]

    @contextmanager
    def _only_thread_that_makes(self) -> Iterator[None]:
        # Who waits here does no work, so a capture need not wait for it.
        with DEVICE_LOCK.waiting():
            self._making.acquire()
        try:
            yield
        finally:
            self._making.release()

    def _checked_bucket(self, backend: Backend, sizes: Sizes, inputs: Tensors) -> Verdict:
        """Make a bucket and check it with each case; return the verdict of the worst."""
        network = self._network
        if self.name == "eager" and network.is_exact:
            return Verdict(True, "the truth itself")
        with network.unchanged() as kept:
            backend.prepare(sizes, inputs)
            verdicts = []
            with network.truth_on_device():
                for case in self._spec.cases(sizes, inputs):
                    network.restore(kept)
                    verdicts.append(self._check(backend, sizes, case))
        return max(verdicts, key=lambda verdict: verdict.max_error or 0.0)

    def _check(self, backend: Backend, sizes: Sizes, inputs: Tensors) -> Verdict:
        """Compare the outputs and the changed state with the truth's; raise when they are wrong."""
        network = self._network
        network.fill_state(inputs)
        exact, change = network.expected(inputs)
        before = network.snapshot()
        found = backend.run(sizes, inputs)
        state, right_state = network.changed_since(before, change)
        found, exact = self._spec.judged(inputs, found), self._spec.judged(inputs, exact)
        verdict = judge((*found, *state), (*exact, *right_state), network.precision)
        if not verdict.right:
            self._was_wrong = True
            raise CannotRun(f"wrong output: {verdict.words}")
        return verdict

    def _give_up(self, sizes: Sizes | None, error: Exception) -> None:
        reason = error_text(error)
        if device_memory.is_out_of_memory(error):
            reason = f"out of memory: {reason}"
            self._memory_was_short = True
            if self._spec.policy.clear_memory:
                device_memory.release_frames(error)
                device_memory.clear(self._network.device)
        with self._lock:
            if sizes is None:
                self.reason = reason
            else:
                self._failures[sizes] = reason
        self._counters.fell_back(self.name, sizes, reason)
        where = "" if sizes is None else f" {sizes}"
        logger.warning("%s: %s cannot run%s: %s", self._spec.name, self.name, where, reason)
