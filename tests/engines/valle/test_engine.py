"""VALL-E X from end to end: files laid out like the public ones, a voice, a line, sound."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from realtime.characters import Characters
from realtime.engines.contract import CancelToken, Chunk, LineState, Utterance, WorkCancelled
from realtime.engines.decoding.line import BatchedLine
from realtime.engines.decoding.run_config import RunConfig, choose_run
from realtime.engines.decoding.runner import plan_in_force
from realtime.engines.valle import budget
from realtime.engines.valle.codes import HOP
from realtime.engines.valle.engine import ValleEngine
from realtime.engines.valle.prompt import LinePrompt
from realtime.errors import BadRequest, SynthesisFailed, Unavailable, WeightsMissing
from realtime.settings import ModelsSettings, PresetsSettings, Settings, ValleSamplingSettings
from realtime.settings import ValleSettings as ValleSettings
from realtime.text.language import Segment
from tests.support import small_valle
from tests.support.valle_files import settings_in, weight_path

LONG = "She walked along the river until the lights of the old town were far behind her. " * 12
PLAIN = ValleSettings(device="cpu", precision="fp32", plan="eager")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = replace(settings_in(tmp_path_factory.mktemp("valle")), valle=PLAIN)
    small_valle.write_files(settings)
    return settings


@pytest.fixture(scope="module")
def engine(settings: Settings) -> Iterator[ValleEngine]:
    loaded = load_engine(settings)
    yield loaded
    loaded.unload()


def load_engine(settings: Settings, **sampling: Any) -> ValleEngine:
    valle = replace(settings.valle, sampling=ValleSamplingSettings(**sampling))
    engine = ValleEngine(replace(settings, valle=valle))
    engine.load()
    return engine


def utterance(settings: Settings, text: str = "Hello there.", seed: int = 7) -> Utterance:
    character = Characters(settings.presets.path, settings.default_characters).get(small_valle.NAME)
    return Utterance((Segment(text, "en"),), character, seed=seed)


def speak(engine: ValleEngine, wanted: Utterance) -> list[Chunk]:
    """Return the chunks with sound in them."""
    return [chunk for chunk in engine.speak(wanted, CancelToken()) if chunk.samples.size]


def test_a_line_is_whole_frames_of_sound(engine: ValleEngine, settings: Settings) -> None:
    (chunk,) = speak(engine, utterance(settings))
    assert chunk.samples.size and chunk.samples.size % HOP == 0
    assert np.abs(chunk.samples).max() <= 1.0
    (word,) = chunk.words
    assert word.text == "Hello there."
    assert (word.start, word.end) == (0.0, chunk.samples.size / engine.sample_rate)


def test_the_same_seed_is_the_same_sound_and_another_is_another(
    engine: ValleEngine, settings: Settings
) -> None:
    first, second, other = (
        speak(engine, utterance(settings, seed=seed))[0].samples for seed in (7, 7, 8)
    )
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_a_second_engine_from_the_same_files_says_the_same(
    engine: ValleEngine, settings: Settings
) -> None:
    again = speak(load_engine(settings), utterance(settings))[0].samples
    assert np.array_equal(again, speak(engine, utterance(settings))[0].samples)


@pytest.mark.slow
def test_lines_beside_each_other_say_what_each_says_alone(
    engine: ValleEngine, settings: Settings
) -> None:
    lines = [utterance(settings, f"Line number {number}.", seed=number) for number in range(6)]
    alone = [speak(engine, line)[0].samples for line in lines]
    streams = [engine.speak(line, CancelToken()) for line in lines]
    together: dict[int, np.ndarray] = {}
    while len(together) < len(lines):
        for number, stream in enumerate(streams):
            chunk = next(stream, None)
            if chunk is not None and chunk.samples.size:
                together[number] = chunk.samples
    assert all(np.array_equal(together[number], sound) for number, sound in enumerate(alone))


def test_a_cancel_stops_within_one_step(engine: ValleEngine, settings: Settings) -> None:
    assert engine._model is not None
    batch = engine._model.batch
    cancel = CancelToken()
    run_step = batch._run_step

    def cancel_in_fifth(*inputs: Any) -> Any:
        if batch.steps == steps_before + 4:
            cancel.set()
        return run_step(*inputs)

    steps_before = batch.steps
    batch._run_step = cancel_in_fifth
    try:
        with pytest.raises(WorkCancelled):
            list(engine.speak(utterance(settings, LONG), cancel))
    finally:
        batch._run_step = run_step
    assert batch.steps == steps_before + 5
    assert batch.line_count == 0


def test_a_closed_stream_leaves_its_slot(engine: ValleEngine, settings: Settings) -> None:
    assert engine._model is not None
    stream = engine.speak(utterance(settings, LONG), CancelToken())
    next(stream)
    assert isinstance(stream, Generator)
    stream.close()
    assert engine._model.batch.line_count == 0


@pytest.mark.slow
def test_a_text_too_long_for_one_piece_is_said_in_several(
    engine: ValleEngine, settings: Settings
) -> None:
    small_valle.write_voice(settings.presets.path, "slow", frames=budget.MOST_PROMPT)
    wanted = replace(
        utterance(settings, LONG[:82]),
        character=Characters(settings.presets.path, settings.default_characters).get("slow"),
    )
    chunks = speak(engine, wanted)
    assert len(chunks) > 1
    spoken = " ".join(word.text for chunk in chunks for word in chunk.words)
    assert spoken.split() == LONG[:82].split()
    for chunk in chunks:
        frames = chunk.samples.size // HOP
        assert frames + budget.MOST_PROMPT <= budget.MOST_FRAMES


@pytest.mark.slow
def test_longprompt_goes_on_from_what_was_said(
    engine: ValleEngine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("realtime.engines.valle.engine.LEAST_EXAMPLE", 5)
    wanted = utterance(settings)

    def speak_five(line_state: LineState) -> list[Chunk]:
        line = replace(wanted, line_state=line_state)
        return [speak(engine, line)[0] for _ in range(5)]

    plain, window, again = (speak_five(LineState(longprompt=long)) for long in (False, True, True))
    assert all(np.array_equal(chunk.samples, plain[0].samples) for chunk in plain)
    assert any(not np.array_equal(chunk.samples, plain[0].samples) for chunk in window)
    for one, other in zip(window, again, strict=True):
        assert np.array_equal(one.samples, other.samples)


def test_a_silent_line_is_tried_with_other_seeds_and_then_an_error(settings: Settings) -> None:
    mute = replace(settings, models=replace(settings.models, path=settings.models.path / "mute"))
    small_valle.write_files(mute, frames=1e-6)
    with pytest.raises(SynthesisFailed, match="4 seeds"):
        speak(load_engine(mute), utterance(settings))


def test_an_empty_result_is_retried(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    brief = replace(settings, models=replace(settings.models, path=settings.models.path / "brief"))
    small_valle.write_files(brief, frames=5.0)
    engine = load_engine(brief)
    assert engine._model is not None
    batch = engine._model.batch
    entered: list[BatchedLine[LinePrompt]] = []
    enter = batch.enter

    def enter_and_remember(line: BatchedLine[LinePrompt]) -> bool:
        entered.append(line)
        return enter(line)

    monkeypatch.setattr(batch, "enter", enter_and_remember)
    assert all(speak(engine, utterance(settings, seed=seed)) for seed in range(3))
    assert len(entered) > 3
    assert len([line for line in entered if not line.codes]) == len(entered) - 3


@pytest.mark.slow
def test_the_best_of_several_is_one_of_them(settings: Settings) -> None:
    engine = load_engine(settings, best_of=6)
    best = speak(engine, utterance(settings))[0].samples
    assert np.array_equal(best, speak(engine, utterance(settings))[0].samples)
    assert engine.version != load_engine(settings).version


def test_a_guard_ends_what_repeats_itself(settings: Settings) -> None:
    with pytest.raises(SynthesisFailed):
        # The first code is already one equal code in a row.
        speak(load_engine(settings, repetition_guard=1), utterance(settings))


def test_a_voice_of_another_kind_is_refused(engine: ValleEngine, settings: Settings) -> None:
    folder = Path(__file__).resolve().parents[3] / "presets"
    other = Characters(folder, settings.default_characters).default("en")
    with pytest.raises(BadRequest, match="VALL-E X"):
        list(engine.speak(replace(utterance(settings), character=other), CancelToken()))


def test_missing_and_wrong_weights_are_told(tmp_path: Path) -> None:
    settings = replace(settings_in(tmp_path), valle=PLAIN)
    with pytest.raises(WeightsMissing, match=r"vallex-checkpoint\.pt"):
        ValleEngine(settings).load()
    small_valle.write_files(settings)
    weight_path(settings, "vallex-checkpoint.pt").write_bytes(
        weight_path(settings, "vocos/pytorch_model.bin").read_bytes()
    )
    with pytest.raises(Unavailable, match="no checkpoint of VALL-E X"):
        ValleEngine(settings).load()


def version_of(settings: Settings, **valle: Any) -> str:
    """Return the version of an engine that is not loaded."""
    return ValleEngine(replace(settings, valle=replace(PLAIN, **valle))).version


def test_whatever_rounds_otherwise_is_another_version(settings: Settings) -> None:
    versions = {
        version_of(settings),
        version_of(settings, precision="bf16"),
        version_of(settings, plan="compile"),
        version_of(settings, device="cuda"),
        version_of(settings, reproducible=True),
        version_of(settings, sampling=ValleSamplingSettings(temperature=0.8)),
        version_of(settings, sampling=ValleSamplingSettings(temperature=0.80000001)),
        version_of(settings, sampling=ValleSamplingSettings(temperature=1e-5)),
        version_of(settings, sampling=ValleSamplingSettings(top_k=5)),
        version_of(settings, sampling=ValleSamplingSettings(best_of=5)),
    }
    assert len(versions) == 10


def test_other_files_under_the_same_names_are_other_versions(
    settings: Settings, tmp_path: Path
) -> None:
    own = replace(settings, models=ModelsSettings(path=tmp_path))
    assert version_of(own).endswith("model=none vocoder=none")
    small_valle.write_files(replace(own, presets=PresetsSettings(path=tmp_path)))
    engine = load_engine(own)
    first = engine.version
    assert first == version_of(own)
    for name in ("vallex-checkpoint.pt", "vocos/pytorch_model.bin"):
        path = weight_path(own, name)
        content = torch.load(path, weights_only=False)
        state = content.get("model", content)
        next(iter(state.values()))[:1] += 1.0
        before = version_of(own)
        torch.save(content, path)
        assert version_of(own) != before
    assert engine.version == first  # what it speaks with is what was loaded
    engine.unload()
    assert engine.version == version_of(own) != first


def test_a_device_that_is_found_and_does_not_work_is_no_part_of_what_ran(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = RunConfig("cuda", "bf16", "graphs", 16, (1, 16))
    automatic = replace(settings, valle=replace(PLAIN, device="auto"))
    monkeypatch.setattr(
        "realtime.engines.valle.engine.choose_run",
        lambda wanted, fixed: run if wanted.device == "auto" else choose_run(wanted, fixed),
    )
    engine = ValleEngine(automatic)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert engine.version.startswith("2 cuda bf16 graphs ") and engine.runs_on() == "cuda:0"
    engine.load()
    assert engine.runs_on() == "cpu"
    loaded = engine.version
    assert loaded.startswith("2 cpu fp32 eager ")
    engine.unload()
    assert engine.version == loaded


def test_it_runs_where_it_is_placed_with_one_version_on_every_gpu(settings: Settings) -> None:
    engine = ValleEngine(replace(settings, valle=replace(PLAIN, device="cuda")))
    assert (engine.wanted_device(), engine.runs_on()) == ("cuda", "cuda:0")
    version = engine.version
    engine.place("cuda:1")
    assert engine.runs_on() == "cuda:1" and engine.version == version
    engine.place("cpu")
    assert engine.runs_on() == "cpu" and engine.version != version


def test_without_a_gpu_it_wants_the_processor(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = ValleEngine(replace(settings, valle=replace(PLAIN, device="auto")))
    monkeypatch.setattr("realtime.acceleration.cuda_driver.has_usable_gpu", lambda: False)
    assert engine.wanted_device() == "cpu"
    monkeypatch.setattr("realtime.acceleration.cuda_driver.has_usable_gpu", lambda: True)
    assert engine.wanted_device() == "auto"


class FakeNetwork:
    """An accelerated network, as far as its plan is asked for."""

    def __init__(self, name: str, mode: str, *failed: int) -> None:
        self.name, self.mode = name, mode
        self.failed = [("graphs", (size,)) for size in failed]


def test_the_version_names_the_plan_in_force_not_the_wanted_one() -> None:
    def plan_of(*networks: Any) -> str:
        return plan_in_force(networks)

    assert plan_of() == "eager"
    assert plan_of(FakeNetwork("a", "graphs"), FakeNetwork("b", "graphs")) == "graphs"
    assert plan_of(FakeNetwork("a", "graphs"), FakeNetwork("b", "eager")) == "graphs+eager"
    one_size = plan_of(FakeNetwork("a", "graphs", 2))
    two_sizes = plan_of(FakeNetwork("a", "graphs", 2, 8))
    assert one_size.startswith("graphs!") and two_sizes.startswith("graphs!")
    assert one_size != two_sizes


@pytest.mark.slow
def test_a_plan_that_falls_back_is_another_version(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The networks run eagerly where there is no compiler, and the version says so."""

    def missing(*_: object, **__: object) -> None:
        raise RuntimeError("no compiler")

    monkeypatch.setattr(torch, "compile", missing)
    for name, sizes in (("SPANS", (256,)), ("LENGTHS", (128,)), ("FRAMES", (75,))):
        monkeypatch.setattr(f"realtime.engines.valle.model.{name}", sizes)
    engine = ValleEngine(replace(settings, valle=replace(PLAIN, plan="compile", slots=1)))
    assert engine.version.startswith("2 cpu fp32 compile ")
    engine.load()
    # The checksum is of the sizes that do not run as planned: here all of them.
    assert engine.version.startswith("2 cpu fp32 compile!")
    engine.unload()
