"""The step gives what the whole computation gives, for every line whatever the others are."""

from __future__ import annotations

import torch

from realtime.networks.coarse import DRAWS, Coarse, Sampling, choose
from realtime.networks.valle import LEVELS
from tests.networks.valles import PLACES, Case, cases, greedy, read_case, small, speak


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
