"""One plan of a network's ladder: made when it is needed, held against the truth, or given up."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from realtime.acceleration import device_memory
from realtime.acceleration.backends.backend import Backend
from realtime.acceleration.counters import Counters, error_text
from realtime.acceleration.device_lock import DEVICE_LOCK
from realtime.acceleration.refusals import CannotRun, NotNow
from realtime.acceleration.shapes import Fit, Sizes, Tensors
from realtime.acceleration.spec import NetworkSpec
from realtime.acceleration.tolerance import Verdict, judge

logger = logging.getLogger(__name__)


class Plan:
    """A form that may be missing, with the buckets it has proved, and those it cannot run."""

    def __init__(
        self,
        plan: str,
        make: Callable[[], Backend],
        parts: NetworkSpec,
        ledger: Counters,
    ) -> None:
        self.plan = plan
        self.reason: str | None = None
        self._make = make
        self._parts = parts
        self._network = parts.network
        self._shapes = parts.shapes
        self._policy = parts.policy
        self._name = parts.name
        self._ledger = ledger
        self._form: Backend | None = None
        self._proved: dict[Sizes, Verdict] = {}
        self._broken: dict[Sizes, str] = {}
        self._refused = False  # a bucket was wrong
        self._unchecked = False  # memory was short for a trial
        self._making = threading.RLock()  # held for minutes: no call and no report waits for it
        self._lock = threading.Lock()

    def form(self) -> Backend | None:
        """What runs; None with a reason when the plan cannot run here."""
        if self._form is not None or self.reason is not None:
            return self._form
        with self._making:
            if self._form is None and self.reason is None:
                try:
                    self._form = self._make()
                except Exception as error:  # noqa: BLE001 -- whatever a compiler raises, eager runs
                    self._give_up(None, error)
            return self._form

    def offers(self, fit: Fit) -> bool:
        """Whether this plan could run a call, prepared or not."""
        if self.reason is not None or fit.bucket in self._broken:
            return False
        form = self.form()
        return form is not None and (form.dynamic or fit.exact)

    def has(self, sizes: Sizes) -> bool:
        """Whether a bucket is proved and still held."""
        form = self._form
        proved = sizes in self._proved and sizes not in self._broken
        return form is not None and proved and form.holds(sizes)

    def has_place_for(self, sizes: Sizes) -> bool:
        """Whether a bucket should be prepared in a quiet moment."""
        form = self.form()
        return form is not None and form.has_place_for(self._ledger.uses(sizes))

    def failed(self) -> list[Sizes]:
        """The buckets that it cannot run, in order."""
        with self._lock:
            return sorted(self._broken)

    def proved_any(self) -> bool:
        """Whether it may answer for what is not proved.

        Memory that was short for a trial speaks against nothing: to answer by the truth instead
        would take more of it, and far longer.
        """
        return bool(self._proved) or (self._unchecked and not self._refused)

    def prepare(self, sizes: Sizes, inputs: Tensors) -> bool:
        """Make a bucket and hold it against the truth; the network's state stays as it was."""
        with self._made_alone():
            if self.has(sizes):
                return True
            if (form := self.form()) is None or sizes in self._broken:
                return False
            try:
                verdict = self._prepared(form, sizes, inputs)
            except NotNow as error:
                self._ledger.fell_back(self.plan, sizes, error_text(error))
                return False
            except Exception as error:  # noqa: BLE001 -- as above
                self._give_up(sizes, error)
                form.drop(sizes)
                return False
            with self._lock:
                self._proved[sizes] = verdict
            logger.info("%s: %s runs %s: %s", self._name, self.plan, sizes, verdict.words)
            return True

    @contextmanager
    def lease(self, fit: Fit, inputs: Tensors) -> Iterator[Tensors | None]:
        """What the plan gives, in its own buffers; None when it failed, then another runs."""
        if (form := self._form) is None:
            yield None  # closed meanwhile
            return
        with ExitStack() as stack:
            try:
                fitted = self._fitted(form, fit, inputs)
                found = stack.enter_context(form.lease(fit.bucket, fitted))
            except NotNow as error:
                self._ledger.fell_back(self.plan, fit.bucket, error_text(error))
                yield None
                return
            except Exception as error:  # noqa: BLE001 -- as above; its holder's own are the holder's
                self._give_up(fit.bucket, error)
                yield None
                return
            yield self._counted(form, fit, found)

    def run(self, fit: Fit, inputs: Tensors) -> Tensors | None:
        """What the plan gives; None when it failed, then another runs."""
        if (form := self._form) is None:
            return None  # closed meanwhile
        try:
            found = form.run(fit.bucket, self._fitted(form, fit, inputs))
        except NotNow as error:
            self._ledger.fell_back(self.plan, fit.bucket, error_text(error))
            return None
        except Exception as error:  # noqa: BLE001 -- as above
            self._give_up(fit.bucket, error)
            return None
        return self._counted(form, fit, found)

    def pardon(self, sizes: Sizes) -> None:
        """A bucket failed at inputs that nobody could have run."""
        with self._lock:
            self._broken.pop(sizes, None)

    def forgive(self) -> None:
        """Try again, when it is called next, what could not run."""
        with self._lock:
            self.reason = None
            self._broken.clear()

    def close(self) -> None:
        with self._making, self._lock:
            if self._form is not None:
                self._form.close()
            self._form = None
            self._proved.clear()

    def described(self) -> dict[str, Any]:
        return {} if self._form is None else self._form.described()

    def buckets(self) -> list[dict[str, Any]]:
        """Each bucket this plan has seen, and how it is."""
        with self._lock:
            states = [(s, "ready", v.words) for s, v in self._proved.items() if self.has(s)]
            states += [(sizes, "failed", reason) for sizes, reason in self._broken.items()]
        return [
            {
                "sizes": list(sizes),
                "plan": self.plan,
                "state": state,
                "check": words,
                "uses": self._ledger.uses(sizes),
            }
            for sizes, state, words in states
        ]

    @contextmanager
    def _made_alone(self) -> Iterator[None]:
        """One thread prepares at a time; a capture does not wait for those who wait here."""
        with DEVICE_LOCK.waiting():
            self._making.acquire()
        try:
            yield
        finally:
            self._making.release()

    def _prepared(self, form: Backend, sizes: Sizes, inputs: Tensors) -> Verdict:
        network = self._network
        if self.plan == "eager" and network.is_exact:
            return Verdict(True, "the truth itself")
        with network.unchanged() as kept:
            form.prepare(sizes, inputs)
            verdicts = []
            with network.truth_at_hand():
                for case in self._parts.cases(sizes, inputs):
                    network.restore(kept)
                    verdicts.append(self._tried(form, sizes, case))
        return max(verdicts, key=lambda verdict: verdict.max_error or 0.0)

    def _tried(self, form: Backend, sizes: Sizes, inputs: Tensors) -> Verdict:
        """One trial: what the form gives and leaves behind, beside what it should."""
        network = self._network
        network.rehearse(inputs)
        exact, change = network.truth(inputs)
        before = network.snapshot()
        found = form.run(sizes, inputs)
        now, should = network.changed_since(before, change)
        found, exact = self._parts.judged(inputs, found), self._parts.judged(inputs, exact)
        verdict = judge((*found, *now), (*exact, *should), network.precision)
        if not verdict.right:
            self._refused = True
            raise CannotRun(f"wrong output: {verdict.words}")
        return verdict

    def _fitted(self, form: Backend, fit: Fit, inputs: Tensors) -> Tensors:
        return inputs if form.dynamic or not fit.padded else self._shapes.padded(inputs, fit)

    def _counted(self, form: Backend, fit: Fit, found: Tensors) -> Tensors:
        filled = fit.padded and not form.dynamic
        self._ledger.ran(self.plan, fit, filled)
        return self._shapes.cut(found, fit) if filled else found

    def _give_up(self, sizes: Sizes | None, error: Exception) -> None:
        reason = error_text(error)
        if device_memory.is_out_of_memory(error):
            reason = f"out of memory: {reason}"
            self._unchecked = True
            if self._policy.clear_memory:
                device_memory.forget(error)
                device_memory.clear(self._network.device)
        with self._lock:
            if sizes is None:
                self.reason = reason
            else:
                self._broken[sizes] = reason
        self._ledger.fell_back(self.plan, sizes, reason)
        where = "" if sizes is None else f" {sizes}"
        logger.warning("%s: %s cannot run%s: %s", self._name, self.plan, where, reason)
