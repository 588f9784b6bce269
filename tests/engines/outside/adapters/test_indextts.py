"""The adapter of IndexTTS: what it gives the package, what it finds missing, and its seeds."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from realtime.engines.outside.adapter import AdapterError, CancelFlag
from realtime.engines.outside.adapters.indextts import (
    FILES,
    IndexTtsAdapter,
    StreamRandomness,
    language_of,
    spoken_part,
    stream_arguments,
)
from realtime.engines.outside.protocol import Speak, TextPart
from tests.support.indextts_environment import PACKAGES, bring_files, write_clip

ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture
def options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    monkeypatch.syspath_prepend(str(PACKAGES))
    bring_files(tmp_path)
    write_clip(tmp_path / "yuki.wav", 1)
    folder = str(tmp_path / "indextts")
    yield {"model_dir": folder, "device": "cpu", "fp16": False, "attention": "sdpa"}
    sys.modules.pop("indextts25", None)


@pytest.fixture
def adapter(options: dict[str, Any]) -> IndexTtsAdapter:
    made = IndexTtsAdapter()
    assert made.load(options, lambda done, what: None) == {"package": "0.2.0"}
    return made


def message(clip: Path, *texts: str, **fields: Any) -> Speak:
    parts = [TextPart(text, "en") for text in texts]
    return Speak(1, parts, "yuki", voice={"reference": str(clip)}, **fields)


def test_each_missing_file_is_named_with_its_origin_before_anything_is_imported(
    tmp_path: Path,
) -> None:
    missing = IndexTtsAdapter().check({"model_dir": str(tmp_path)})
    assert len(missing) == len(FILES) and "indextts25" not in sys.modules
    assert missing[0] == "config.yaml (from IndexTeam/IndexTTS-2.5, bilibili Model Use License)"
    bring_files(tmp_path)
    (tmp_path / "indextts" / "codec.pth").unlink()
    (missed,) = IndexTtsAdapter().check({"model_dir": str(tmp_path / "indextts")})
    assert missed.startswith("codec.pth")


def test_segments_come_one_by_one_with_their_text(adapter: IndexTtsAdapter, tmp_path: Path) -> None:
    asked = message(tmp_path / "yuki.wav", "First one. ", "Second.")
    chunks = list(adapter.speak(asked, CancelFlag()))
    assert [[word.text for word in words] for _, words in chunks] == [
        ["First one."],
        [],
        ["Second."],
    ]
    assert chunks[0][0].dtype == np.float32 and np.abs(chunks[0][0]).max() <= 1
    assert chunks[0][1][0].end == pytest.approx(chunks[0][0].size / 22_050)


def test_a_segment_is_told_in_the_words_of_the_text() -> None:
    text = "你好，旅行者。 It is 8 now! Go."
    assert spoken_part(text, "你好,旅行者.", 0) == ("你好，旅行者。", 7)
    assert spoken_part(text, "IT IS EIGHT NOW", 7) == ("", 7), "numbers are not found"
    assert spoken_part(text, "GO .", 7) == ("Go.", len(text))
    assert spoken_part(text, " ", 3) == ("", 3)


def test_a_cancel_stops_before_the_next_segment(adapter: IndexTtsAdapter, tmp_path: Path) -> None:
    cancel = CancelFlag()
    chunks = adapter.speak(message(tmp_path / "yuki.wav", "One. Two. Three."), cancel)
    next(chunks)
    cancel.set()
    assert list(chunks) == []


def test_a_seed_gives_the_same_sound_whatever_else_takes_turns(
    adapter: IndexTtsAdapter, tmp_path: Path
) -> None:
    def stream(seed: int) -> Iterator[Any]:
        asked = message(tmp_path / "yuki.wav", "One one. Two two. Three.", seed=seed)
        return iter(adapter.speak(asked, CancelFlag()))

    alone = [sound for sound, _ in stream(7)]
    first, second = stream(7), stream(8)
    turns = [(next(first)[0], next(second)[0]) for _ in alone]
    assert all(np.array_equal(one, turn[0]) for one, turn in zip(alone, turns, strict=True))
    assert not np.array_equal(alone[0], turns[0][1])


def test_torch_has_the_numbers_of_the_stream_too() -> None:
    torch = pytest.importorskip("torch")
    stream, other = StreamRandomness(3), StreamRandomness(4)
    stream.enter()
    expected = [float(torch.rand(1)), float(torch.rand(1))]
    again = StreamRandomness(3)
    again.enter()
    found = [float(torch.rand(1))]
    again.leave()
    other.enter()
    random.random()
    again.enter()
    assert [*found, float(torch.rand(1))] == expected


def test_the_environments_list_tells_the_licence_and_pins_the_package() -> None:
    text = (ROOT / "engines" / "indextts" / "requirements.txt").read_text(encoding="utf-8")
    head = [line for line in text.splitlines() if line.startswith("#")]
    assert any("bilibili Model Use License" in line for line in head)
    pins = [line for line in text.splitlines() if not line.startswith("#")]
    assert all("==" in pin for pin in pins)
    assert {"indextts25-inference==0.2.0", "numpy==2.4.6"} <= set(pins)
    assert any(pin.startswith("msgspec==") for pin in pins), "the host speaks through it"


def test_what_is_asked_for_is_in_the_packages_words() -> None:
    asked = Speak(1, [TextPart("ab", "ja"), TextPart("abc", "zh")], "yuki", speed=1.25)
    asked.voice = {
        **{"reference": "a.wav", "emotion_clip": "b.wav", "emotion": [], "emotion_strength": 0.5},
        **{"segment_tokens": 80, "top_k": 9},
    }
    assert stream_arguments(asked) == {
        **{"voice": "a.wav", "lang": "ZH", "speed": 0.8, "emotion": "b.wav"},
        **{"emotion_strength": 0.5, "segment_tokens": 80, "include_silence": True, "top_k": 9},
    }
    asked.voice["emotion"], asked.speed = [0.1] * 8, 4.0
    assert stream_arguments(asked)["emo_vector"] == [0.1] * 8
    assert stream_arguments(asked)["speed"] == 0.5, "the model speaks at most twice as fast"


def test_a_piece_is_read_in_one_language() -> None:
    parts = [TextPart("ab", "ja"), TextPart("abc", "zh"), TextPart("ab", "ja")]
    assert language_of(Speak(1, parts, "yuki")) == "ja"
    assert language_of(Speak(1, parts, "yuki", accent="en")) == "en"
    assert language_of(Speak(1, [TextPart("x", "fr")], "yuki")) == "en"


def test_faults_of_a_load_are_told_in_our_words(options: dict[str, Any]) -> None:
    with pytest.raises(AdapterError, match="requires flash-attn") as refused:
        IndexTtsAdapter().load({**options, "attention": "flash"}, lambda done, what: None)
    assert "make engine-indextts" in str(refused.value.hint)
    (Path(options["model_dir"]) / "config.yaml").unlink()
    with pytest.raises(AdapterError, match="misses a file: Config not found") as missed:
        IndexTtsAdapter().load(options, lambda done, what: None)
    assert missed.value.kind == "WeightsMissing"
