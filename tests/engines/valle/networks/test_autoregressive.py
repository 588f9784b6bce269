"""The step gives what the whole computation gives, for every line whatever the others are."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from contextlib import ExitStack

import pytest
import torch
from torch import Tensor

from realtime.acceleration import Axis, accelerate
from realtime.acceleration.accelerate import MAKERS
from realtime.acceleration.backends.backend import Backend
from realtime.acceleration.backends.compile_thread import run_on_compile_thread
from realtime.acceleration.shapes import Sizes, Tensors
from realtime.acceleration.spec import NetworkSpec
from realtime.engines.valle.codes import LEVELS
from realtime.engines.valle.networks.autoregressive import (
    INVALID,
    RANDOM_LIMIT,
    AutoregressiveModel,
    Sampling,
    choose_codes,
)
from realtime.engines.valle.networks.checkpoint import ValleShape
from realtime.networks.slot_cache import CACHE
from tests.support.valle_cases import (
    PLACES,
    Case,
    greedy,
    load_cases,
    make_first_level,
    read_case,
    small_network,
    whole_logits,
)

Step = Callable[[Tensor, Tensor, Tensor], Tensors]
Mistake = Callable[[Step, Tensor, Tensor, Tensor], Tensors]


@pytest.mark.slow
def test_cached_and_uncached_steps_are_equal() -> None:
    case = read_case(load_cases()[2])
    model = greedy(case.model)
    codes = make_first_level(model, case, most=60)
    whole = torch.cat([case.prompt[:, 0], codes])
    logits = whole_logits(model, case.text, case.languages, whole)[len(case.prompt) : -1]
    assert torch.equal(logits.argmax(-1), codes)


def test_the_step_s_logits_are_the_whole_s() -> None:
    case = read_case(load_cases()[0])
    model = greedy(case.model)
    state = model.prefill(0, case.text, case.languages, case.prompt[:, 0])[None]
    _, logits = model(state, torch.zeros(1, dtype=torch.long), torch.arange(PLACES))
    whole = whole_logits(model, case.text, case.languages, case.prompt[:, 0])
    torch.testing.assert_close(logits[0], whole[-1], atol=1e-5, rtol=1e-5)


def test_lines_of_a_batch_say_what_each_says_alone() -> None:
    model = AutoregressiveModel(small_network(), slots=8, places=PLACES)
    lines = [make_line(number) for number in range(8)]
    together = run_lines(model, lines, rows=192)
    for number, line in enumerate(lines):
        alone = run_lines(model, [line], rows=192, first=number)[:, 0]
        assert torch.equal(alone, together[:, number])
        # Another span of places read is another order of summation, and the same codes.
        wider = run_lines(model, [line], rows=256, first=number)[:, 0]
        assert torch.equal(wider, together[:, number])


def test_a_line_goes_on_in_another_slot() -> None:
    model = greedy(small_network(), slots=2)
    line = make_line(3)
    stayed = run_lines(model, [line], rows=192)[:, 0]
    state = model.prefill(1, line.text, line.languages, line.prompt[:, 0])
    model.clear(0)
    model.move(1, 0, int(state[2]))
    assert torch.equal(go_on(model, state[None], 1, rows=192)[:, 0], stayed)


def test_each_code_comes_as_often_as_its_share() -> None:
    logits = torch.tensor([[0.5, 0.25, 0.125, 0.125]]).log()
    numbers = torch.arange(0, RANDOM_LIMIT, RANDOM_LIMIT // 1024)
    chosen = choose_codes(logits.expand(1024, -1), numbers, Sampling())
    assert chosen.bincount().tolist() == [512, 256, 128, 128]


def test_the_last_number_and_the_first_choose_codes_that_can_be() -> None:
    logits = torch.tensor([[-torch.inf, 0.0, 0.0, -torch.inf]])
    assert int(choose_codes(logits, torch.tensor([0]), Sampling())) == 1
    assert int(choose_codes(logits, torch.tensor([RANDOM_LIMIT - 1]), Sampling())) == 2


@pytest.mark.parametrize("sampling", [Sampling(), Sampling(top_k=1), Sampling(0.5, 40, 0.8)])
def test_what_is_no_number_is_no_code(sampling: Sampling) -> None:
    logits = torch.randn(4, 1025, generator=torch.Generator().manual_seed(0))
    whole = choose_codes(logits, torch.full((4,), 9), sampling)
    logits[0, 7], logits[1, 7], logits[2] = torch.nan, torch.inf, -torch.inf
    codes = choose_codes(logits, torch.full((4,), 9), sampling)
    assert codes.tolist() == [INVALID, INVALID, INVALID, int(whole[3])]


def test_sampling_keeps_the_likeliest() -> None:
    logits = torch.tensor([[0.5, 0.25, 0.15, 0.1]]).log().expand(512, -1)
    numbers = torch.arange(0, RANDOM_LIMIT, RANDOM_LIMIT // 512)

    def codes(sampling: Sampling) -> set[int]:
        return set(choose_codes(logits, numbers, sampling).tolist())

    assert codes(Sampling(top_k=2)) == {0, 1}
    assert codes(Sampling(top_p=0.6)) == {0, 1}
    assert codes(Sampling(top_p=0.4)) == {0}
    assert codes(Sampling(temperature=0.05)) == {0}
    assert codes(Sampling(top_k=1)) == codes(Sampling(temperature=0.0)) == {0}


def buffer_sizes(code: str) -> list[int]:
    """Return how many numbers each buffer holds that generated code allocates."""
    shapes = re.findall(r"empty_strided_cpu\(\(([\d, ]*)\)", code)
    return [math.prod(int(size) for size in shape.split(",") if size.strip()) for shape in shapes]


class CodeSeen(Exception):
    """The generated code was read, and need not be compiled."""


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_compiled_step_writes_into_the_cache_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy of the cache would show as a buffer of its size in the generated code."""
    from torch._inductor import config
    from torch._inductor.graph import GraphLowering

    network = small_network(shape=ValleShape(16, 2, 1))
    model = AutoregressiveModel(network, slots=4, places=256, sampling=Sampling(top_k=1))
    codes: list[str] = []

    def read_code(lowering: GraphLowering) -> None:
        codes.append(lowering.codegen()[0].value)
        raise CodeSeen

    monkeypatch.setattr(GraphLowering, "compile_to_module", read_code)
    inputs = model.cases((2, 128))[0]
    compiled = torch.compile(model, dynamic=False)

    def compile_it() -> None:
        with torch.no_grad(), config.patch({"fx_graph_cache": False}):
            compiled(*inputs)

    with pytest.raises(Exception, match="CodeSeen"):
        run_on_compile_thread(compile_it)
    sizes = buffer_sizes(codes[0])
    assert len(sizes) > 3 and max(sizes) < model.caches[0].numel() // 4


def off_by_one(step: Step, state: Tensor, numbers: Tensor, rows: Tensor) -> Tensors:
    return step(state, numbers, rows - 1)


def without_itself(step: Step, state: Tensor, numbers: Tensor, rows: Tensor) -> Tensors:
    return step(state, numbers, rows + 1)


def beside_its_place(step: Step, state: Tensor, numbers: Tensor, rows: Tensor) -> Tensors:
    moved = state - torch.tensor([0, 0, 1])
    states, logits = step(moved, numbers, rows)
    return states + torch.tensor([0, 0, 1]), logits


def lines_swapped(step: Step, state: Tensor, numbers: Tensor, rows: Tensor) -> Tensors:
    states, logits = step(state.flip(0), numbers.flip(0), rows)
    return states.flip(0), logits.flip(0)


def near_rows_alone(step: Step, state: Tensor, numbers: Tensor, rows: Tensor) -> Tensors:
    return step(state, numbers, torch.where(rows < len(rows) // 2, rows, len(rows)))


def another_code(step: Step, state: Tensor, numbers: Tensor, rows: Tensor) -> Tensors:
    states, logits = step(state, numbers, rows)
    return states + torch.tensor([1, 0, 0]), logits


def next_place_wrong(step: Step, state: Tensor, numbers: Tensor, rows: Tensor) -> Tensors:
    states, logits = step(state, numbers, rows)
    return states + torch.tensor([0, 0, 1]), logits


def right(step: Step, state: Tensor, numbers: Tensor, rows: Tensor) -> Tensors:
    return step(state, numbers, rows)


class WrongStep(Backend):
    """A step with a mistake in it."""

    plan = "compile"

    def __init__(self, spec: NetworkSpec, mistake: Mistake) -> None:
        self._network = spec.network
        self._mistake = mistake

    def prepare(self, sizes: Sizes, inputs: Tensors) -> None:
        pass

    def run(self, sizes: Sizes, inputs: Tensors, lease: ExitStack | None = None) -> Tensors:
        return self._mistake(lambda *given: self._network.run(given), *inputs)


MISTAKES = [
    off_by_one,
    without_itself,
    beside_its_place,
    near_rows_alone,
    another_code,
    next_place_wrong,
    lines_swapped,
]


@pytest.mark.parametrize(
    "precision",
    ["fp32", *(pytest.param(each, marks=pytest.mark.slow) for each in ("fp16", "bf16"))],
)
def test_a_step_with_a_mistake_is_never_used(precision: str) -> None:
    """A mistake is found in every bucket; the step without one is used in all."""
    network = small_network()
    for mistake in [right, *MISTAKES]:
        model = AutoregressiveModel(network, slots=4, places=512)
        step = accelerate(
            model,
            inputs=model.cases((4, 512))[0],
            plan="compile",
            precision=precision,
            axes=(Axis((1, 4), {0: 0, 1: 0}, {0: 0, 1: 0}), Axis((64, 512), {2: 0})),
            state=CACHE,
            makers={**MAKERS, "compile": lambda spec, mistake=mistake: WrongStep(spec, mistake)},
        )
        step.prepare()
        ready = {
            tuple(bucket["sizes"])
            for bucket in step.described()["buckets"]
            if bucket["plan"] == "compile" and bucket["state"] == "ready"
        }
        # A line alone cannot be taken for another.
        unseen = {right: {1, 4}, lines_swapped: {1}}.get(mistake, set())
        assert {batch for batch, _ in ready} == unseen, mistake.__name__


def make_line(number: int) -> Case:
    """Make a line whose length is by its number."""
    generator = torch.Generator().manual_seed(number)
    text = torch.randint(5, 70, (6 + number,), generator=generator)
    languages = torch.full_like(text, number % 3)
    prompt = torch.randint(0, 1024, (3 * number, LEVELS), generator=generator)
    return Case(small_network(), text, languages, prompt, prompt)


def run_lines(model: AutoregressiveModel, lines: list[Case], rows: int, first: int = 0) -> Tensor:
    """Return (steps, lines) of codes; `first` chooses the first line's random numbers."""
    states = [
        model.prefill(slot, line.text, line.languages, line.prompt[:, 0])
        for slot, line in enumerate(lines)
    ]
    return go_on(model, torch.stack(states), len(lines), rows, first)


def go_on(
    model: AutoregressiveModel, state: Tensor, count: int, rows: int, first: int = 0
) -> Tensor:
    codes = []
    generator = torch.Generator().manual_seed(9)
    numbers = torch.randint(0, RANDOM_LIMIT, (40, 8), generator=generator)
    for step in range(40):
        state, _ = model(state, numbers[step, first : first + count], torch.arange(rows))
        codes.append(state[:, 0])
    return torch.stack(codes)
