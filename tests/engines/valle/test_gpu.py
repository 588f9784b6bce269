"""The model on a GPU: every plan says the same, alone and beside others, and is near enough."""

from __future__ import annotations

import copy
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from realtime.engines.valle import model as models
from realtime.engines.valle.device_choice import Run
from realtime.engines.valle.model import PlainBatch, ValleModel
from realtime.engines.valle.networks.autoregressive import Coarse, Sampling
from realtime.engines.valle.networks.checkpoint import ValleShape
from realtime.engines.valle.speaking import Speaking, VoiceExample, Watch
from realtime.engines.valle.text import Encoded
from tests.support import small_valle
from tests.support.valle_cases import PLACES, cases, read_case
from tests.support.valle_cases import small as network
from tests.support.valle_files import settings_in

pytestmark = [pytest.mark.gpu, pytest.mark.timeout(900)]

BATCHES = (1, 4, 8)
PLANS = ("eager", "compile", "graphs")


@pytest.fixture(autouse=True)
def few_buckets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "SPANS", (512,))
    monkeypatch.setattr(models, "LENGTHS", (256,))
    monkeypatch.setattr(models, "FRAMES", (150,))


def made(folder: Path, plan: str, precision: str = "fp32", batches: Any = BATCHES) -> ValleModel:
    run = Run("cuda", precision, plan, batches[-1], tuple(batches))
    model = ValleModel(
        small_valle.checkpoint(40.0), small_valle.sounding(), run, settings_in(folder)
    )
    model.prepare()
    return model


def said(model: ValleModel, folder: Path, seeds: range) -> list[Any]:
    """Lines side by side, a step a turn."""
    speaking = Speaking(model, settings_in(folder).valle.sampling)
    prompt = small_valle.prompt()
    heard = VoiceExample(prompt.codes, Encoded(prompt.ids, (0,) * len(prompt.ids)))
    found: dict[int, Any] = {}
    streams = {}
    for seed in seeds:
        clock = iter(range(1_000_000))
        watch = Watch(lambda: None, lambda: False, clock=lambda clock=clock: float(next(clock)))
        words = Encoded(tuple(range(20, 30 + seed)), (0,) * (10 + seed))
        streams[seed] = speaking.say(words, heard, seed, watch)
    while len(found) < len(streams):
        for seed, stream in streams.items():
            if seed not in found and (codes := next(stream)) is not None:
                found[seed] = codes
    return [found[seed] for seed in seeds]


def test_every_plan_says_the_same_in_full_floats(tmp_path: Path) -> None:
    found = {}
    for plan in PLANS:
        model = made(tmp_path, plan)
        assert {network.mode for network in model.quick} <= {plan}
        found[plan] = said(model, tmp_path, range(1, 5))
    for plan in PLANS[1:]:
        assert all(np.array_equal(x, y) for x, y in zip(found[plan], found["eager"], strict=True))


@pytest.mark.parametrize("plan", PLANS)
def test_a_line_alone_says_what_it_says_beside_seven(tmp_path: Path, plan: str) -> None:
    model = made(tmp_path, plan)
    together = said(model, tmp_path, range(1, 9))
    for seed, beside in enumerate(together, 1):
        (alone,) = said(model, tmp_path, range(seed, seed + 1))
        assert np.array_equal(alone, beside)


@pytest.mark.parametrize("precision", ["fp16", "bf16"])
def test_a_plan_in_short_floats_is_proved_and_runs(tmp_path: Path, precision: str) -> None:
    model = made(tmp_path, "graphs", precision)
    said(model, tmp_path, range(3))
    for quick in model.quick:
        assert set(quick.described()["hits"]) == {"graphs"}, quick.described()


@pytest.mark.parametrize(("precision", "least"), [("fp16", 0.99), ("bf16", 0.97)])
def test_at_full_size_shorter_floats_choose_the_same_code(precision: str, least: float) -> None:
    """Taught what was said, with random weights; two may be nearly as likely."""
    torch.backends.cuda.matmul.allow_tf32 = False
    coarse = Coarse(network(shape=ValleShape()), slots=1, places=1024).cuda()
    random = torch.Generator().manual_seed(5)
    text = torch.randint(5, 70, (110,), generator=random).cuda()
    codes = torch.randint(0, 1024, (525,), generator=random).cuda()
    with torch.no_grad():
        exact = coarse.teach(text, torch.zeros_like(text), codes)
        working = PlainBatch(copy.deepcopy(coarse), "cuda", precision).module
        assert isinstance(working, Coarse)
        found = working.teach(text, torch.zeros_like(text), codes)
    assert (found.argmax(-1) == exact.argmax(-1)).float().mean() >= least


def test_a_step_goes_on_where_the_beginning_ended(tmp_path: Path) -> None:
    """The cache as the beginning filled it, in a room much larger than the line."""
    case = read_case(cases()[0])
    coarse = Coarse(case.model, slots=2, places=PLACES, sampling=Sampling(top_k=1)).cuda()
    given = [x.cuda() for x in (case.text, case.languages, case.prompt[:, 0])]
    with torch.no_grad():
        state = coarse.prefill(0, *given)[None]
        rows = torch.arange(PLACES, device="cuda")
        _, logits = coarse(state, torch.zeros(1, dtype=torch.long, device="cuda"), rows)
        whole = coarse.teach(*given)
    torch.testing.assert_close(logits[0], whole[-1], atol=1e-4, rtol=1e-4)


def test_two_models_in_two_threads_do_not_meet(tmp_path: Path) -> None:
    """Each is made, prepared and called on a thread of its own, as lanes do."""
    found: dict[int, Any] = {}
    faults: list[BaseException] = []

    def work(number: int) -> None:
        try:
            model = made(tmp_path, "graphs", batches=(1, 4))
            found[number] = [said(model, tmp_path, range(3)) for _ in range(3)]
        except BaseException as fault:  # noqa: BLE001 -- told by the thread that waits
            faults.append(fault)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    first, *others = [codes for runs in found.values() for codes in runs]
    for other in others:
        assert all(np.array_equal(x, y) for x, y in zip(first, other, strict=True))
