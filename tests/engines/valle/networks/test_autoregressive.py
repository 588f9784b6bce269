"""The step gives what the whole computation gives, for every line whatever the others are."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch._inductor import config
from torch._inductor.graph import GraphLowering

from realtime.acceleration import Axis, accelerate
from realtime.acceleration.accelerate import MAKERS
from realtime.acceleration.backends.backend import Backend
from realtime.acceleration.backends.compile_thread import run_on_compile_thread
from realtime.acceleration.shapes import Sizes, Tensors
from realtime.acceleration.spec import NetworkSpec
from realtime.engines.valle.networks.autoregressive import (
    BROKEN,
    CACHE,
    DRAWS,
    Coarse,
    Sampling,
    choose,
)
from realtime.engines.valle.networks.checkpoint import LEVELS, ValleShape
from tests.support.valle_cases import PLACES, Case, cases, greedy, read_case, small, speak

Step = Callable[[Tensor, Tensor, Tensor], Tensors]
Mistake = Callable[[Step, Tensor, Tensor, Tensor], Tensors]


def test_cached_and_uncached_steps_are_equal() -> None:
    case = read_case(cases()[2])
    coarse = greedy(case.model)
    said = speak(coarse, case, most=60)
    heard = torch.cat([case.prompt[:, 0], said])
    logits = coarse.teach(case.text, case.languages, heard)[len(case.prompt) : -1]
    assert torch.equal(logits.argmax(-1), said)


def test_the_step_s_logits_are_the_whole_s() -> None:
    case = read_case(cases()[0])
    coarse = greedy(case.model)
    state = coarse.prefill(0, case.text, case.languages, case.prompt[:, 0])[None]
    _, logits = coarse(state, torch.zeros(1, dtype=torch.long), torch.arange(PLACES))
    whole = coarse.teach(case.text, case.languages, case.prompt[:, 0])
    torch.testing.assert_close(logits[0], whole[-1], atol=1e-5, rtol=1e-5)


def test_lines_of_a_batch_say_what_each_says_alone() -> None:
    coarse = Coarse(small(), slots=8, places=PLACES)
    lines = [made(number) for number in range(8)]
    together = run(coarse, lines, rows=192)
    for number, line in enumerate(lines):
        assert torch.equal(run(coarse, [line], rows=192, first=number)[:, 0], together[:, number])
        # Another span of places looked at is another summation, and the same codes.
        assert torch.equal(run(coarse, [line], rows=256, first=number)[:, 0], together[:, number])


def test_a_line_goes_on_in_another_slot() -> None:
    coarse = greedy(small(), slots=2)
    line = made(3)
    stayed = run(coarse, [line], rows=192)[:, 0]
    state = coarse.prefill(1, line.text, line.languages, line.prompt[:, 0])
    coarse.clear(0)
    coarse.move(1, 0, int(state[2]))
    assert torch.equal(go_on(coarse, state[None], 1, rows=192)[:, 0], stayed)


def test_each_code_comes_as_often_as_its_share() -> None:
    logits = torch.tensor([[0.5, 0.25, 0.125, 0.125]]).log()
    draws = torch.arange(0, DRAWS, DRAWS // 1024)
    chosen = choose(logits.expand(1024, -1), draws, Sampling())
    assert chosen.bincount().tolist() == [512, 256, 128, 128]


def test_the_last_draw_and_the_first_choose_codes_that_can_be() -> None:
    logits = torch.tensor([[-torch.inf, 0.0, 0.0, -torch.inf]])
    assert int(choose(logits, torch.tensor([0]), Sampling())) == 1
    assert int(choose(logits, torch.tensor([DRAWS - 1]), Sampling())) == 2


@pytest.mark.parametrize("sampling", [Sampling(), Sampling(top_k=1), Sampling(0.5, 40, 0.8)])
def test_what_is_no_number_is_no_code(sampling: Sampling) -> None:
    logits = torch.randn(4, 1025, generator=torch.Generator().manual_seed(0))
    whole = choose(logits, torch.full((4,), 9), sampling)
    logits[0, 7], logits[1, 7], logits[2] = torch.nan, torch.inf, -torch.inf
    found = choose(logits, torch.full((4,), 9), sampling)
    assert found.tolist() == [BROKEN, BROKEN, BROKEN, int(whole[3])]


def test_sampling_keeps_the_likeliest() -> None:
    logits = torch.tensor([[0.5, 0.25, 0.15, 0.1]]).log().expand(512, -1)
    draws = torch.arange(0, DRAWS, DRAWS // 512)

    def codes(sampling: Sampling) -> set[int]:
        return set(choose(logits, draws, sampling).tolist())

    assert codes(Sampling(top_k=2)) == {0, 1}
    assert codes(Sampling(top_p=0.6)) == {0, 1}
    assert codes(Sampling(top_p=0.4)) == {0}
    assert codes(Sampling(temperature=0.05)) == {0}
    assert codes(Sampling(top_k=1)) == codes(Sampling(temperature=0.0)) == {0}


def allocated(code: str) -> list[int]:
    """Numbers in each buffer that generated code takes."""
    shapes = re.findall(r"empty_strided_cpu\(\(([\d, ]*)\)", code)
    return [math.prod(int(size) for size in shape.split(",") if size.strip()) for shape in shapes]


@pytest.mark.timeout(600)
def test_a_compiled_step_writes_into_the_cache_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not into a copy of it: the generated code takes no buffer of its size."""
    coarse = Coarse(
        small(shape=ValleShape(16, 2, 1)), slots=4, places=256, sampling=Sampling(top_k=1)
    )
    found: list[str] = []

    class Seen(Exception):
        pass

    def look(lowering: GraphLowering) -> None:
        found.append(lowering.codegen()[0].value)
        raise Seen

    monkeypatch.setattr(GraphLowering, "compile_to_module", look)
    (case, *_) = coarse.cases((2, 128))
    compiled = torch.compile(coarse, dynamic=False)

    def compile_it() -> None:
        with torch.no_grad(), config.patch({"fx_graph_cache": False}):
            compiled(*case)

    with pytest.raises(Exception, match="Seen"):
        run_on_compile_thread(compile_it)
    sizes = allocated(found[0])
    assert len(sizes) > 3 and max(sizes) < coarse.caches[0].numel() // 4


def off_by_one(step: Step, state: Tensor, draws: Tensor, rows: Tensor) -> Tensors:
    return step(state, draws, rows - 1)


def without_itself(step: Step, state: Tensor, draws: Tensor, rows: Tensor) -> Tensors:
    return step(state, draws, rows + 1)


def beside_its_place(step: Step, state: Tensor, draws: Tensor, rows: Tensor) -> Tensors:
    moved = state - torch.tensor([0, 0, 1])
    found, logits = step(moved, draws, rows)
    return found + torch.tensor([0, 0, 1]), logits


def lines_swapped(step: Step, state: Tensor, draws: Tensor, rows: Tensor) -> Tensors:
    found, logits = step(state.flip(0), draws.flip(0), rows)
    return found.flip(0), logits.flip(0)


def near_rows_alone(step: Step, state: Tensor, draws: Tensor, rows: Tensor) -> Tensors:
    return step(state, draws, torch.where(rows < len(rows) // 2, rows, len(rows)))


def another_code(step: Step, state: Tensor, draws: Tensor, rows: Tensor) -> Tensors:
    found, logits = step(state, draws, rows)
    return found + torch.tensor([1, 0, 0]), logits


def next_place_wrong(step: Step, state: Tensor, draws: Tensor, rows: Tensor) -> Tensors:
    found, logits = step(state, draws, rows)
    return found + torch.tensor([0, 0, 1]), logits


def right(step: Step, state: Tensor, draws: Tensor, rows: Tensor) -> Tensors:
    return step(state, draws, rows)


class Wrong(Backend):
    """A step with a mistake in it."""

    plan = "compile"

    def __init__(self, parts: NetworkSpec, mistake: Mistake) -> None:
        self._network = parts.network
        self._mistake = mistake

    def prepare(self, sizes: Sizes, inputs: Tensors) -> None:
        pass

    def run(self, sizes: Sizes, inputs: Tensors) -> Tensors:
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


@pytest.mark.parametrize("precision", ["fp32", "fp16", "bf16"])
def test_a_step_with_a_mistake_is_never_used(precision: str) -> None:
    """In any bucket, and a step without one in all."""
    model = small()
    for mistake in [right, *MISTAKES]:
        coarse = Coarse(model, slots=4, places=512)
        (case, *_) = coarse.cases((4, 512))
        step = accelerate(
            coarse,
            inputs=case,
            plan="compile",
            precision=precision,
            axes=(Axis((1, 4), {0: 0, 1: 0}, {0: 0, 1: 0}), Axis((64, 512), {2: 0})),
            state=CACHE,
            makers={**MAKERS, "compile": lambda parts, made=mistake: Wrong(parts, made)},
        )
        step.prepare()
        ready = {
            tuple(b["sizes"])
            for b in step.described()["buckets"]
            if b["plan"] == "compile" and b["state"] == "ready"
        }
        # A line alone cannot be taken for another.
        unseen = {right: {1, 4}, lines_swapped: {1}}.get(mistake, set())
        assert {batch for batch, _ in ready} == unseen, mistake.__name__


def made(number: int) -> Case:
    """A line of its own length."""
    random = torch.Generator().manual_seed(number)
    text = torch.randint(5, 70, (6 + number,), generator=random)
    languages = torch.full_like(text, number % 3)
    prompt = torch.randint(0, 1024, (3 * number, LEVELS), generator=random)
    return Case(small(), text, languages, prompt, prompt)


def run(coarse: Coarse, lines: list[Case], rows: int, first: int = 0) -> torch.Tensor:
    """(steps, lines) of codes; `first` is the number of the first line's random numbers."""
    states = [
        coarse.prefill(slot, line.text, line.languages, line.prompt[:, 0])
        for slot, line in enumerate(lines)
    ]
    return go_on(coarse, torch.stack(states), len(lines), rows, first)


def go_on(
    coarse: Coarse, state: torch.Tensor, count: int, rows: int, first: int = 0
) -> torch.Tensor:
    found = []
    draws = torch.randint(0, DRAWS, (40, 8), generator=torch.Generator().manual_seed(9))
    for step in range(40):
        state, _ = coarse(state, draws[step, first : first + count], torch.arange(rows))
        found.append(state[:, 0])
    return torch.stack(found)
