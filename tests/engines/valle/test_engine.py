"""VALL-E X end to end: files as they are published, a preset, a line, sound."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from realtime.characters import Characters
from realtime.engines.contract import CancelToken, Chunk, LineState, Utterance, WorkCancelled
from realtime.engines.valle import budget
from realtime.engines.valle.batching import BatchedLine
from realtime.engines.valle.device_choice import Run, chosen
from realtime.engines.valle.engine import ValleEngine, in_force
from realtime.errors import BadRequest, SynthesisFailed, Unavailable, WeightsMissing
from realtime.settings import ModelsSettings, PresetsSettings, Settings, ValleSamplingSettings
from realtime.settings import ValleSettings as ValleSettings
from realtime.text.language import Segment
from tests.support import small_valle
from tests.support.valle_files import place_of, settings_in

LONG = "She walked along the river until the lights of the old town were far behind her. " * 12
PLAIN = ValleSettings(device="cpu", precision="fp32", plan="eager")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    made = replace(settings_in(tmp_path_factory.mktemp("valle")), valle=PLAIN)
    small_valle.write(made)
    return made


@pytest.fixture(scope="module")
def engine(settings: Settings) -> Iterator[ValleEngine]:
    loaded = made(settings)
    yield loaded
    loaded.unload()


def made(settings: Settings, **sampling: float) -> ValleEngine:
    said = replace(settings.valle, sampling=ValleSamplingSettings(**sampling))  # type: ignore[arg-type]
    engine = ValleEngine(replace(settings, valle=said))
    engine.load()
    return engine


def utterance(settings: Settings, text: str = "Hello there.", seed: int = 7) -> Utterance:
    character = Characters(settings.presets.path, settings.default_characters).get(small_valle.NAME)
    return Utterance((Segment(text, "en"),), character, seed=seed)


def heard(engine: ValleEngine, asked: Utterance) -> list[Chunk]:
    return [chunk for chunk in engine.speak(asked, CancelToken()) if chunk.samples.size]


def test_a_line_is_whole_frames_of_sound(engine: ValleEngine, settings: Settings) -> None:
    (chunk,) = heard(engine, utterance(settings))
    assert chunk.samples.size and chunk.samples.size % budget.HOP == 0
    assert np.abs(chunk.samples).max() <= 1.0
    (word,) = chunk.words
    assert word.text == "Hello there."
    assert (word.start, word.end) == (0.0, chunk.samples.size / engine.sample_rate)


def test_the_same_seed_is_the_same_sound_and_another_is_another(
    engine: ValleEngine, settings: Settings
) -> None:
    first, second, other = (
        heard(engine, utterance(settings, seed=seed))[0].samples for seed in (7, 7, 8)
    )
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_a_second_engine_from_the_same_files_says_the_same(
    engine: ValleEngine, settings: Settings
) -> None:
    again = heard(made(settings), utterance(settings))[0].samples
    assert np.array_equal(again, heard(engine, utterance(settings))[0].samples)


def test_lines_beside_each_other_say_what_each_says_alone(
    engine: ValleEngine, settings: Settings
) -> None:
    asked = [utterance(settings, f"Line number {number}.", seed=number) for number in range(6)]
    alone = [heard(engine, one)[0].samples for one in asked]
    streams = [engine.speak(one, CancelToken()) for one in asked]
    found: list[np.ndarray | None] = [None] * len(asked)
    shared = 0
    while any(sound is None for sound in found):
        for place, stream in enumerate(streams):
            chunk = next(stream, None)
            if chunk is not None and chunk.samples.size:
                found[place] = chunk.samples
        assert engine._model is not None
        shared = max(shared, engine._model.slots.taken)
    assert all(np.array_equal(one, other) for one, other in zip(found, alone, strict=True))


def test_a_cancel_stops_within_one_step(engine: ValleEngine, settings: Settings) -> None:
    assert engine._model is not None
    slots = engine._model.slots
    cancel = CancelToken()
    step = slots._step

    def cancelling(*inputs: object) -> object:
        if slots.steps == begun + 4:
            cancel.set()
        return step(*inputs)  # type: ignore[arg-type]

    begun = slots.steps
    slots._step = cancelling  # type: ignore[assignment]
    try:
        with pytest.raises(WorkCancelled):
            list(engine.speak(utterance(settings, LONG), cancel))
    finally:
        slots._step = step
    assert slots.steps == begun + 5
    assert slots.taken == 0


def test_a_closed_stream_leaves_its_slot(engine: ValleEngine, settings: Settings) -> None:
    assert engine._model is not None
    stream = engine.speak(utterance(settings, LONG), CancelToken())
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert engine._model.slots.taken == 0


def test_a_text_too_long_for_one_piece_is_said_in_several(
    engine: ValleEngine, settings: Settings
) -> None:
    small_valle.voice(settings.presets.path, "slow", frames=budget.MOST_PROMPT)
    asked = replace(
        utterance(settings, LONG[:82]),
        character=Characters(settings.presets.path, settings.default_characters).get("slow"),
    )
    chunks = heard(engine, asked)
    assert len(chunks) > 1
    said = " ".join(word.text for chunk in chunks for word in chunk.words)
    assert said.split() == LONG[:82].split()
    for chunk in chunks:
        frames = chunk.samples.size // budget.HOP
        assert frames + budget.MOST_PROMPT <= budget.MOST_FRAMES


def test_longprompt_goes_on_from_what_was_said(
    engine: ValleEngine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("realtime.engines.valle.engine.LEAST_PROMPT", 5)
    asked = utterance(settings)

    def said(line_state: LineState, times: int = 5) -> list[Chunk]:
        one = replace(asked, line_state=line_state)
        return [heard(engine, one)[0] for _ in range(times)]

    plain, window, again = (said(LineState(longprompt=long)) for long in (False, True, True))
    assert all(np.array_equal(chunk.samples, plain[0].samples) for chunk in plain)
    assert any(not np.array_equal(chunk.samples, plain[0].samples) for chunk in window)
    for one, other in zip(window, again, strict=True):
        assert np.array_equal(one.samples, other.samples)


def test_nothing_said_is_tried_with_other_seeds_and_then_told(settings: Settings) -> None:
    mute = replace(settings, models=replace(settings.models, path=settings.models.path / "mute"))
    small_valle.write(mute, frames=1e-6)
    with pytest.raises(SynthesisFailed, match="4 seeds"):
        heard(made(mute), utterance(settings))


def test_an_empty_result_is_retried(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    brief = replace(settings, models=replace(settings.models, path=settings.models.path / "brief"))
    small_valle.write(brief, frames=5.0)
    engine = made(brief)
    assert engine._model is not None
    slots = engine._model.slots
    entered: list[BatchedLine] = []
    enter = slots.enter
    monkeypatch.setattr(slots, "enter", lambda seat: entered.append(seat) or enter(seat))
    assert all(heard(engine, utterance(settings, seed=seed)) for seed in range(3))
    assert len(entered) > 3
    assert sum(not seat.codes for seat in entered) == len(entered) - 3


def test_the_best_of_several_is_one_of_them(settings: Settings) -> None:
    engine = made(settings, best_of=6)
    best = heard(engine, utterance(settings))[0].samples
    assert np.array_equal(best, heard(engine, utterance(settings))[0].samples)
    assert engine.version != made(settings).version


def test_a_guard_ends_what_repeats_itself(settings: Settings) -> None:
    with pytest.raises(SynthesisFailed):
        # The first code is already one equal code in a row.
        heard(made(settings, repetition_guard=1), utterance(settings))


def test_a_voice_of_another_kind_is_refused(engine: ValleEngine, settings: Settings) -> None:
    folder = Path(__file__).resolve().parents[3] / "presets"
    other = Characters(folder, settings.default_characters).default("en")
    with pytest.raises(BadRequest, match="VALL-E X"):
        list(engine.speak(replace(utterance(settings), character=other), CancelToken()))


def test_missing_and_wrong_weights_are_told(tmp_path: Path) -> None:
    settings = replace(settings_in(tmp_path), valle=PLAIN)
    with pytest.raises(WeightsMissing, match=r"vallex-checkpoint\.pt"):
        ValleEngine(settings).load()
    small_valle.write(settings)
    place_of(settings, "vallex-checkpoint.pt").write_bytes(
        place_of(settings, "vocos/pytorch_model.bin").read_bytes()
    )
    with pytest.raises(Unavailable, match="no checkpoint of VALL-E X"):
        ValleEngine(settings).load()


def version(settings: Settings, **said: object) -> str:
    return ValleEngine(replace(settings, valle=replace(PLAIN, **said))).version  # type: ignore[arg-type]


def test_whatever_rounds_otherwise_is_another_version(settings: Settings) -> None:
    found = {
        version(settings),
        version(settings, precision="bf16"),
        version(settings, plan="compile"),
        version(settings, device="cuda"),
        version(settings, reproducible=True),
        version(settings, sampling=ValleSamplingSettings(temperature=0.8)),
        version(settings, sampling=ValleSamplingSettings(temperature=0.80000001)),
        version(settings, sampling=ValleSamplingSettings(temperature=1e-5)),
        version(settings, sampling=ValleSamplingSettings(top_k=5)),
        version(settings, sampling=ValleSamplingSettings(best_of=5)),
    }
    assert len(found) == 10


def test_other_files_under_the_same_names_are_other_versions(
    settings: Settings, tmp_path: Path
) -> None:
    own = replace(settings, models=ModelsSettings(path=tmp_path))
    assert version(own).endswith("model=none vocoder=none")
    small_valle.write(replace(own, presets=PresetsSettings(path=tmp_path)))
    engine = made(own)
    first = engine.version
    assert first == version(own)
    for name in ("vallex-checkpoint.pt", "vocos/pytorch_model.bin"):
        path = place_of(own, name)
        found = torch.load(path, weights_only=False)
        inner = found.get("model", found)
        next(iter(inner.values()))[:1] += 1.0
        before = version(own)
        torch.save(found, path)
        assert version(own) != before
    assert engine.version == first  # what it speaks with is what was loaded
    engine.unload()
    assert engine.version == version(own) != first


def test_a_device_that_is_found_and_does_not_work_is_no_part_of_what_ran(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run("cuda", "bf16", "graphs", 16, (1, 16))
    open_settings = replace(settings, valle=replace(PLAIN, device="auto"))
    monkeypatch.setattr(
        "realtime.engines.valle.engine.chosen",
        lambda said: run if said.valle.device == "auto" else chosen(said),
    )
    engine = ValleEngine(open_settings)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert engine.version.startswith("2 cuda bf16 graphs ")
    engine.load()
    loaded = engine.version
    assert loaded.startswith("2 cpu fp32 eager ")
    engine.unload()
    assert engine.version == loaded


class Network:
    """A network that runs in some form."""

    def __init__(self, name: str, mode: str, *failed: int) -> None:
        self.name, self.mode = name, mode
        self.failed = [("graphs", (size,)) for size in failed]


def test_the_plan_in_force_is_told_not_the_one_that_was_wished_for() -> None:
    def told(*networks: Network) -> str:
        return in_force(networks)  # type: ignore[arg-type]

    assert told() == "eager"
    assert told(Network("a", "graphs"), Network("b", "graphs")) == "graphs"
    assert told(Network("a", "graphs"), Network("b", "eager")) == "graphs+eager"
    some, others = told(Network("a", "graphs", 2)), told(Network("a", "graphs", 2, 8))
    assert some.startswith("graphs!") and others.startswith("graphs!") and some != others


def test_a_plan_that_falls_back_is_another_version(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A compiler that is not there: what was to be compiled runs plainly."""

    def missing(*_: object, **__: object) -> None:
        raise RuntimeError("no compiler")

    monkeypatch.setattr(torch, "compile", missing)
    for name, sizes in (("SPANS", (256,)), ("LENGTHS", (128,)), ("FRAMES", (75,))):
        monkeypatch.setattr(f"realtime.engines.valle.model.{name}", sizes)
    engine = ValleEngine(replace(settings, valle=replace(PLAIN, plan="compile", slots=1)))
    assert engine.version.startswith("2 cpu fp32 compile ")
    engine.load()
    # Every size runs otherwise, and is told.
    assert engine.version.startswith("2 cpu fp32 compile!")
    engine.unload()
