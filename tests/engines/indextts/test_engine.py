"""The engine on the server's side: its environment, its version, and lines of a real process.

The package is the stand-in of tests/support/indextts_package: weights are not to be had here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from realtime.characters import Characters
from realtime.engines.contract import CancelToken, Chunk, Synthesizer, TakesOptions, Utterance
from realtime.engines.indextts.engine import IndexTts
from realtime.engines.obstacles import find_obstacles
from realtime.engines.options import options_of
from realtime.engines.placeable import Placeable
from realtime.errors import BadRequest, SynthesisFailed, Unavailable, WeightsMissing
from realtime.settings import IndexTtsSettings, ModelsSettings, OutsideSettings, Settings
from realtime.text.language import Segment
from tests.support.indextts_environment import bring_files, make_environment, write_character

QUICK = OutsideSettings(backoff_seconds=0.01, most_backoff_seconds=0.02, stall_seconds=3)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("indextts")


@pytest.fixture(scope="module")
def python(place: Path) -> Path:
    return make_environment(place / "environment")


@pytest.fixture(scope="module")
def settings(place: Path) -> Settings:
    bring_files(place)
    write_character(place, "yuki")
    write_character(place, "kyo", "sad")
    models = ModelsSettings(path=place, devices={"indextts": "cpu"})
    return Settings(models=models, outside=QUICK)


@pytest.fixture(scope="module")
def engine(settings: Settings, python: Path) -> Iterator[IndexTts]:
    made = type("Here", (IndexTts,), {"python": lambda _: python})(settings)
    made.load()
    yield made
    made.unload()


def spoken(engine: IndexTts, place: Path, text: str, who: str = "yuki", **more: Any) -> list[Chunk]:
    character = Characters(place, {}).get(who)
    utterance = Utterance((Segment(text, "en"),), character, **more)
    return list(engine.speak(utterance, CancelToken()))


def test_it_is_what_it_says(engine: IndexTts) -> None:
    assert all(isinstance(engine, kind) for kind in (Synthesizer, TakesOptions, Placeable))
    assert engine.runs_on() == "cpu" and engine.process().id


def test_its_own_environment_and_files_are_asked_for(tmp_path: Path) -> None:
    settings = Settings(models=ModelsSettings(path=tmp_path))
    bare = type("Bare", (IndexTts,), {"environment": "nowhere"})(settings)
    missing = find_obstacles(bare, settings)
    assert missing[0].what == "config.yaml is missing"
    assert "from IndexTeam/IndexTTS-2.5, bilibili Model Use License" in missing[0].how
    bring_files(tmp_path)
    (obstacle,) = find_obstacles(bare, settings)
    assert "make engine-nowhere" in obstacle.how
    with pytest.raises(Unavailable, match="environment of the engine 'nowhere' is not installed"):
        bare.load()


def test_another_environment_may_be_chosen(tmp_path: Path) -> None:
    chosen = OutsideSettings(environments={"indextts": "elsewhere"})
    engine = IndexTts(Settings(models=ModelsSettings(path=tmp_path), outside=chosen))
    with pytest.raises(Unavailable, match="environment of the engine 'elsewhere'"):
        engine.python()


def test_a_line_comes_in_segments(engine: IndexTts, place: Path) -> None:
    chunks = spoken(engine, place, "One one. Two.")
    assert [[word.text for word in chunk.words] for chunk in chunks] == [["One one."], [], ["Two."]]


def test_voices_seeds_speeds_and_emotions_change_the_sound(engine: IndexTts, place: Path) -> None:
    first, again = (spoken(engine, place, "A line.", seed=1)[0].samples for _ in range(2))
    assert np.array_equal(first, again)
    quick = spoken(engine, place, "A line.", seed=1, speed=2.0)[0].samples
    assert quick.size == pytest.approx(first.size / 2, abs=1)
    others = [
        spoken(engine, place, "A line.", seed=2),
        spoken(engine, place, "A line.", "kyo", seed=1),
        spoken(engine, place, "A line.", seed=1, options=options_of({"emotion": "happy,calm:0.2"})),
    ]
    assert not any(np.array_equal(first, chunks[0].samples) for chunks in others)


def test_switching_voices_hears_each_clip_once(
    engine: IndexTts, place: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    for name in ("mei", "lin", "mei", "lin"):
        write_character(place, name) if not (place / f"{name}.yaml").exists() else None
        spoken(engine, place, "A line.", name)
    heard = [record.message for record in caplog.records if "heard" in record.message]
    assert sorted(heard) == ["heard lin.wav", "heard mei.wav"]


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("raise", "illegal memory access"),
        ("crash", "was killed by signal 9"),
        ("hang", "made no progress"),
    ],
)
def test_each_fault_ends_its_line_and_the_next_one_is_spoken(
    engine: IndexTts, place: Path, fault: str, told: str
) -> None:
    with pytest.raises(SynthesisFailed, match=told):
        spoken(engine, place, f"One. {fault} two.")
    assert spoken(engine, place, "Again.")


@pytest.mark.parametrize("manner", ["print", "globals", "slow"])
def test_what_a_package_does_besides_harms_nothing(
    engine: IndexTts, place: Path, manner: str
) -> None:
    assert len(spoken(engine, place, f"One {manner} two. Three.")) == 3
    assert len(spoken(engine, place, "Again. And again.")) == 3


def test_weights_that_the_package_refuses_are_told(
    tmp_path: Path, settings: Settings, python: Path
) -> None:
    bring_files(tmp_path)
    (tmp_path / "indextts" / "gpt.pth").write_bytes(b"broken")
    own = replace(settings, models=replace(settings.models, path=tmp_path))
    broken = type("Broken", (IndexTts,), {"python": lambda _: python})(own)
    with pytest.raises((Unavailable, SynthesisFailed), match=r"Missing key\(s\) in state_dict"):
        broken.load()
    (tmp_path / "indextts" / "feat1.pt").unlink()
    with pytest.raises(WeightsMissing, match="feat1.pt"):
        broken.load()
    broken.unload()


def test_the_version_changes_with_the_weights_and_the_settings(
    tmp_path: Path, settings: Settings
) -> None:
    bring_files(tmp_path)
    own = replace(settings, models=replace(settings.models, path=tmp_path))
    versions = [IndexTts(own).version]
    versions.append(IndexTts(replace(own, indextts=IndexTtsSettings(fp16=True))).version)
    (tmp_path / "indextts" / "gpt.pth").write_bytes(b"another")
    versions.append(IndexTts(own).version)
    assert len(set(versions)) == 3


def test_another_kind_of_voice_is_refused(engine: IndexTts, shared_settings: Settings) -> None:
    character = Characters(shared_settings.presets.path, {}).get("af_heart")
    assert not engine.can_speak(character)
    with pytest.raises(BadRequest, match="has no clip for IndexTTS"):
        list(engine.speak(Utterance((Segment("a", "en"),), character), CancelToken()))
