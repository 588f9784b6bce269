"""The codes of the published code, alone and beside other lines."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch
from torch import Tensor

from realtime.engines.decoding.batch import Batch
from realtime.engines.decoding.line import BatchedLine
from realtime.engines.gpt_sovits.codes import CODES
from realtime.engines.gpt_sovits.networks.semantic_decoder import SemanticDecoder, first_state
from realtime.engines.gpt_sovits.networks.text_to_semantic import TextToSemantic
from realtime.engines.gpt_sovits.sampling import Sampling
from tests.support.gpt_sovits_files import Reference

CASES = [
    "greedy_bert",
    "greedy_zero",
    "greedy_free",
    "greedy_eos",
    "greedy_eos_masked",
    "sampled",
    "sampled_top_p",
    "sampled_penalised_end",
]
PLACES = 128


@cache
def reference() -> Reference:
    return Reference("t2s_tiny")


def make_network(case: str = "") -> TextToSemantic:
    state = reference().state()
    if reference().has(f"{case}.in.eos_row"):
        state["model.ar_predict_layer.weight"][1024] = reference().tensor(f"{case}.in.eos_row")
    return TextToSemantic.loaded(state, reference().facts("config")["model"]["head"])


Prompt = tuple[Tensor, Tensor, Tensor, Sampling]


def read_prompt(case: str, number: str = "") -> Prompt:
    """Read the phones, features and codes of a case, and how its codes are chosen."""
    facts = reference().facts(f"{case}.args")
    phones = reference().tensor(f"{case}.in.phones{number}")
    bert = reference().tensor(f"{case}.in.bert{number}")
    bert = bert.T if bert.numel() else torch.zeros(len(phones), 1024)
    there = reference().has(f"{case}.in.prompt")
    codes = reference().tensor(f"{case}.in.prompt") if there else torch.zeros(0, dtype=torch.long)
    names = ("top_k", "top_p", "temperature", "repetition_penalty")
    return phones, bert, codes, Sampling(*(facts[name] for name in names))


def make_line(case: str, number: str = "", most: int = 0) -> BatchedLine[Prompt]:
    phones, bert, codes, sampling = prompt = read_prompt(case, number)
    noise = np.ones((200, CODES + 1), np.float32)
    if reference().has(f"{case}.in.noise"):
        given = reference().tensor(f"{case}.in.noise").numpy()
        noise[: len(given)] = given
    facts = reference().facts(f"{case}.args")
    most = most or facts["early_stop_num"] + 1  # as the published loop counts
    state = first_state(len(phones), codes.tolist())
    return BatchedLine(prompt, state, most, noise.__getitem__)


def make_batch(model: SemanticDecoder, slots: int, ahead: bool = False) -> Batch[Prompt]:
    def prefill(slot: int, prompt: Prompt) -> None:
        model.prefill(slot, *prompt)

    class Step:
        def __init__(self, *inputs: Tensor) -> None:
            self.inputs = inputs

        def __enter__(self) -> tuple[Tensor, Tensor]:
            found: tuple[Tensor, Tensor] = model(*self.inputs)
            return found

        def __exit__(self, *_: object) -> None: ...

    sizes = range(1, slots + 1)
    return Batch(
        model,
        prefill,
        Step,  # type: ignore[arg-type]
        batch_sizes=sizes,
        spans=(64, PLACES),
        draw_width=CODES + 1,
        ahead=ahead,
    )


def run(batch: Batch[Prompt], lines: list[BatchedLine[Prompt]]) -> None:
    for line in lines:
        assert batch.enter(line)
    while batch.line_count:
        batch.advance()


@pytest.mark.parametrize("case", CASES)
def test_the_codes_are_those_of_the_original(case: str) -> None:
    batch = make_batch(SemanticDecoder(make_network(case), slots=1, places=PLACES), 1)
    line = make_line(case)
    run(batch, [line])
    assert line.codes == reference().tensor(f"{case}.out.new").tolist()


@pytest.mark.parametrize("case", CASES)
def test_the_first_logits_are_those_of_the_original(case: str) -> None:
    model = SemanticDecoder(make_network(case), slots=1, places=PLACES)
    line = make_line(case)
    with torch.no_grad():
        state = torch.tensor([model.prefill(0, *line.prompt)])
        for step, expected in enumerate(reference().tensor(f"{case}.out.logits")):
            noise = torch.from_numpy(line.draw(step))[None]
            state, logits = model(state, noise, torch.arange(PLACES))
            torch.testing.assert_close(logits[0], expected, atol=5e-4, rtol=0)


@pytest.mark.parametrize("ahead", [False, True])
def test_lines_of_one_batch_get_the_codes_that_each_gets_alone(ahead: bool) -> None:
    """Lines of any length share steps without padding, and come and go."""
    model = SemanticDecoder(make_network(), slots=4, places=PLACES)
    names = ["0", "1", "2"]
    lines = [make_line("batch", name, most=30) for name in names]
    sampled = make_line("sampled_top_p")
    run(make_batch(model, 4, ahead), [lines[0], sampled, *lines[1:]])
    for name, line in zip(names, lines, strict=True):
        assert line.codes == reference().tensor(f"batch.out.codes{name}").tolist()
    assert sampled.codes == reference().tensor("sampled_top_p.out.new").tolist()


def test_a_place_that_is_not_written_is_not_attended_to() -> None:
    """A step over an empty cache without a mask is diluted by its zeros (upstream's fault 14)."""
    small = SemanticDecoder(make_network(), slots=1, places=80)
    large = SemanticDecoder(make_network(), slots=1, places=PLACES)
    prompt, noise = read_prompt("greedy_zero"), torch.ones(1, CODES + 1)
    with torch.no_grad():
        outputs = [
            model(torch.tensor([model.prefill(0, *prompt)]), noise, torch.arange(places))[1]
            for model, places in ((small, 80), (large, PLACES))
        ]
    torch.testing.assert_close(*outputs, atol=1e-5, rtol=0)


def test_a_slot_that_is_used_again_keeps_nothing_of_the_line_before() -> None:
    model = SemanticDecoder(make_network(), slots=1, places=PLACES)
    batch = make_batch(model, 1)
    for case in ("sampled", "greedy_bert"):
        line = make_line(case)
        run(batch, [line])
    assert line.codes == reference().tensor("greedy_bert.out.new").tolist()


def test_settings_of_a_line_stay_exact_in_16_bits() -> None:
    model = SemanticDecoder(make_network(), slots=2, places=PLACES).to(torch.float16)
    phones, bert, codes, _ = read_prompt("sampled")
    sampling = Sampling(1025, 0.45, 0.123456, 1.35)
    with torch.no_grad():
        model.prefill(0, phones, bert, codes, sampling)
    assert model.slots.sampling[0].tolist() == torch.tensor(sampling.as_row()).tolist()
    assert model.caches[0].dtype == torch.float16 and model.slots.last_phone.dtype == torch.float32


def test_a_nan_ends_its_line_and_no_other() -> None:
    network = make_network()
    model = SemanticDecoder(network, slots=2, places=PLACES)
    batch = make_batch(model, 2)
    good, bad = make_line("greedy_bert"), make_line("greedy_zero")
    assert batch.enter(good) and batch.enter(bad)
    model.caches[0][1, :, 0] = torch.nan
    while batch.line_count:
        batch.advance()
    assert bad.ending == "invalid" and not bad.codes
    assert good.codes == reference().tensor("greedy_bert.out.new").tolist()
