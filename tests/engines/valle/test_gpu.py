"""The model on a GPU: every plan says the same, alone and beside others, and is near enough."""

from __future__ import annotations

import copy
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from realtime.engines.decoding.run_config import RunConfig
from realtime.engines.decoding.runner import EagerNetwork
from realtime.engines.decoding.turn import Turn
from realtime.engines.valle import model as models
from realtime.engines.valle.model import ValleModel
from realtime.engines.valle.networks.autoregressive import AutoregressiveModel, Sampling
from realtime.engines.valle.networks.checkpoint import ValleShape
from realtime.engines.valle.speaking import PieceSpeaker, VoiceExample
from realtime.engines.valle.text import Encoded
from tests.support import small_valle
from tests.support.valle_cases import (
    PLACES,
    load_cases,
    read_case,
    small_network,
    whole_logits,
)
from tests.support.valle_files import settings_in

pytestmark = [pytest.mark.gpu, pytest.mark.timeout(900)]

BATCH_SIZES = (1, 4, 8)
PLANS = ("eager", "compile", "graphs")


@pytest.fixture(autouse=True)
def few_buckets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "SPANS", (512,))
    monkeypatch.setattr(models, "LENGTHS", (256,))
    monkeypatch.setattr(models, "FRAMES", (150,))


def make_model(
    folder: Path, plan: str, precision: str = "fp32", batch_sizes: Any = BATCH_SIZES
) -> ValleModel:
    run = RunConfig("cuda", precision, plan, batch_sizes[-1], tuple(batch_sizes))
    model = ValleModel(
        small_valle.make_checkpoint(40.0), small_valle.make_vocos(), run, settings_in(folder)
    )
    model.prepare()
    return model


def make_pieces(model: ValleModel, folder: Path, seeds: range) -> list[Any]:
    """Return the codes of pieces made side by side, a step a turn."""
    speaker = PieceSpeaker(model, settings_in(folder).valle.sampling)
    prompt = small_valle.make_prompt()
    example = VoiceExample(prompt.codes, Encoded(prompt.ids, (0,) * len(prompt.ids)))
    made: dict[int, Any] = {}
    streams = {}
    for seed in seeds:
        clock = iter(range(1_000_000))
        turn = Turn(lambda: None, lambda: False, clock=lambda clock=clock: float(next(clock)))
        text = Encoded(tuple(range(20, 30 + seed)), (0,) * (10 + seed))
        streams[seed] = speaker.make_codes(text, example, seed, turn)
    while len(made) < len(streams):
        for seed, stream in streams.items():
            if seed not in made and (codes := next(stream)) is not None:
                made[seed] = codes
    return [made[seed] for seed in seeds]


def test_every_plan_says_the_same_in_full_floats(tmp_path: Path) -> None:
    pieces = {}
    for plan in PLANS:
        model = make_model(tmp_path, plan)
        assert {network.mode for network in model.accelerated} <= {plan}
        pieces[plan] = make_pieces(model, tmp_path, range(1, 5))
    for plan in PLANS[1:]:
        assert all(np.array_equal(x, y) for x, y in zip(pieces[plan], pieces["eager"], strict=True))


@pytest.mark.parametrize("plan", PLANS)
def test_a_line_alone_says_what_it_says_beside_seven(tmp_path: Path, plan: str) -> None:
    model = make_model(tmp_path, plan)
    together = make_pieces(model, tmp_path, range(1, 9))
    for seed, beside in enumerate(together, 1):
        (alone,) = make_pieces(model, tmp_path, range(seed, seed + 1))
        assert np.array_equal(alone, beside)


@pytest.mark.parametrize("precision", ["fp16", "bf16"])
def test_a_plan_in_short_floats_is_proved_and_runs(tmp_path: Path, precision: str) -> None:
    model = make_model(tmp_path, "graphs", precision)
    make_pieces(model, tmp_path, range(3))
    for network in model.accelerated:
        assert set(network.described()["hits"]) == {"graphs"}, network.described()


@pytest.mark.parametrize(("precision", "least"), [("fp16", 0.99), ("bf16", 0.97)])
def test_at_full_size_shorter_floats_choose_the_same_code(precision: str, least: float) -> None:
    """The codes before are given, the weights random; two codes may be nearly as likely."""
    torch.backends.cuda.matmul.allow_tf32 = False
    network = small_network(shape=ValleShape())
    model = AutoregressiveModel(network, slots=1, places=1024).cuda()
    generator = torch.Generator().manual_seed(5)
    text = torch.randint(5, 70, (110,), generator=generator).cuda()
    codes = torch.randint(0, 1024, (525,), generator=generator).cuda()
    with torch.no_grad():
        exact = whole_logits(model, text, torch.zeros_like(text), codes)
        shortened = EagerNetwork(copy.deepcopy(model), "cuda", precision).module
        assert isinstance(shortened, AutoregressiveModel)
        logits = whole_logits(shortened, text, torch.zeros_like(text), codes)
    assert (logits.argmax(-1) == exact.argmax(-1)).float().mean() >= least


def test_a_step_goes_on_where_the_beginning_ended(tmp_path: Path) -> None:
    """The cache is as prefill left it, in a slot much longer than the line."""
    case = read_case(load_cases()[0])
    model = AutoregressiveModel(
        case.model, slots=2, places=PLACES, sampling=Sampling(top_k=1)
    ).cuda()
    given = [x.cuda() for x in (case.text, case.languages, case.prompt[:, 0])]
    with torch.no_grad():
        state = model.prefill(0, *given)[None]
        rows = torch.arange(PLACES, device="cuda")
        _, logits = model(state, torch.zeros(1, dtype=torch.long, device="cuda"), rows)
        whole = whole_logits(model, *given)
    torch.testing.assert_close(logits[0], whole[-1], atol=1e-4, rtol=1e-4)


def test_two_models_in_two_threads_do_not_meet(tmp_path: Path) -> None:
    """Each is made, prepared and called on a thread of its own, as lanes do."""
    pieces: dict[int, Any] = {}
    errors: list[BaseException] = []

    def work(number: int) -> None:
        try:
            model = make_model(tmp_path, "graphs", batch_sizes=(1, 4))
            pieces[number] = [make_pieces(model, tmp_path, range(3)) for _ in range(3)]
        except BaseException as error:  # noqa: BLE001 -- shown by the thread that waits
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    first, *others = [codes for runs in pieces.values() for codes in runs]
    for other in others:
        assert all(np.array_equal(x, y) for x, y in zip(first, other, strict=True))
