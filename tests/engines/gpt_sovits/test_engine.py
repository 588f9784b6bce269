"""The engine speaks characters of small random weights, from the files as people bring them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from realtime.audio.samples import Samples
from realtime.characters import Character, Characters, KokoroVoice
from realtime.engines.contract import CancelToken, Utterance, WorkCancelled
from realtime.engines.gpt_sovits.engine import GptSovits
from realtime.engines.gpt_sovits.front import FrontNetworks
from realtime.engines.gpt_sovits.sentences import MOST_PHONES
from realtime.engines.gpt_sovits.sounding import VOCODERS
from realtime.errors import BadRequest, NothingToSay, Unavailable, WeightsMissing
from realtime.settings import GptSovitsSettings, Settings, VocoderSettings
from realtime.text.language import Segment
from tests.support.character_files import DEFAULTS
from tests.support.gpt_sovits_files import write_front, write_gpt, write_sovits
from tests.support.gpt_sovits_voices import (
    bring_character,
    bring_pair,
    bring_vocoder,
    settings_in,
)

TEXT = "これは小さな試験です。"


def make_engine(
    folder: Path, version: str = "v2ProPlus", **more: Any
) -> tuple[GptSovits, Settings]:
    settings = settings_in(folder)
    settings = replace(
        settings,
        gpt_sovits=GptSovitsSettings(precision="fp32", **more),
        vocoder=VocoderSettings(plan="eager"),  # `auto` would measure for minutes
    )
    write_front(settings.models.path)
    if version in VOCODERS:
        bring_vocoder(settings, version)
    model = bring_pair(settings, "nana", version)
    bring_character(settings, "nana", "nana")
    engine = GptSovits(settings).with_model(model)
    engine.load()
    return engine, settings


def character(settings: Settings, name: str = "nana") -> Character:
    return Characters(settings.presets.path, DEFAULTS).get(name)


def utter(settings: Settings, text: str = TEXT, language: str = "ja", **more: Any) -> Utterance:
    return Utterance((Segment(text, language),), character(settings), **{"seed": 1, **more})


def speak(engine: GptSovits, utterance: Utterance) -> Samples:
    chunks = engine.speak(utterance, CancelToken())
    return np.concatenate([chunk.samples for chunk in chunks])


Loaded = tuple[GptSovits, Settings]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    """Load one engine for all tests that leave its files as they are."""
    return make_engine(tmp_path_factory.mktemp("voices"))


@pytest.mark.parametrize(
    ("version", "rate"),
    [
        ("v2", 32_000),
        # v2ProPlus is what `loaded` speaks.
        pytest.param("v2ProPlus", 32_000, marks=pytest.mark.slow),
        pytest.param("v1", 32_000, marks=pytest.mark.slow),
        pytest.param("v2Pro", 32_000, marks=pytest.mark.slow),
        pytest.param("v3", 24_000, marks=pytest.mark.slow),  # its vocoder compiles
        pytest.param("v4", 48_000, marks=pytest.mark.slow),
    ],
)
def test_every_version_speaks(tmp_path: Path, version: str, rate: int) -> None:
    engine, settings = make_engine(tmp_path, version)
    unloaded = GptSovits(settings).with_model(engine.model)
    assert engine.sample_rate == unloaded.sample_rate == rate
    sound = speak(engine, utter(settings))
    assert sound.size > 0.4 * rate and 0 < np.abs(sound).max() <= 1.0
    assert np.array_equal(sound, speak(engine, utter(settings)))
    engine.unload()
    assert engine.accelerated == ()


def test_the_same_seed_is_the_same_sound_and_another_is_another(
    loaded: Loaded, tmp_path: Path
) -> None:
    engine, settings = loaded
    first = speak(engine, utter(settings))
    assert np.array_equal(first, speak(engine, utter(settings)))
    assert not np.array_equal(first[:5_000], speak(engine, utter(settings, seed=2))[:5_000])
    again, settings = make_engine(tmp_path)
    assert np.array_equal(first, speak(again, utter(settings)))


@pytest.mark.parametrize(
    ("text", "language"),
    [("今天天气很好，我们去公园吧！", "zh"), ("This is a small test.", "en"), (TEXT, "ja")],
)
def test_all_languages_are_spoken(loaded: Loaded, text: str, language: str) -> None:
    engine, settings = loaded
    assert speak(engine, utter(settings, text, language)).size > 0.4 * engine.sample_rate


def test_a_text_of_several_languages_is_one_sentence(loaded: Loaded) -> None:
    engine, settings = loaded
    segments = (Segment("今天我们说", "zh"), Segment("hello", "en"), Segment("。", "zh"))
    utterance = replace(utter(settings), segments=segments)
    (sentence,) = engine.read(utterance)
    assert {part.language for part in sentence.parts} == {"zh", "en"}
    assert speak(engine, utterance).size


@pytest.mark.slow
def test_lines_of_two_voices_at_once_are_as_each_is_alone(loaded: Loaded) -> None:
    engine, settings = loaded
    bring_character(settings, "kyo", "nana", pitch=260.0)
    mine = [utter(settings), replace(utter(settings), character=character(settings, "kyo"))]
    alone = [speak(engine, each) for each in mine]
    assert not np.array_equal(*(sound[:8_000] for sound in alone))
    streams = [engine.speak(each, CancelToken()) for each in mine]
    sounds: list[list[Samples]] = [[], []]
    waiting = {0, 1}
    while waiting:
        for number in sorted(waiting):
            chunk = next(streams[number], None)
            if chunk is None:
                waiting.discard(number)
            else:
                sounds[number].append(chunk.samples)
    for expected, found in zip(alone, sounds, strict=True):
        np.testing.assert_allclose(np.concatenate(found), expected, atol=1e-4)


@pytest.mark.slow
def test_two_models_keep_their_voices_apart(tmp_path: Path) -> None:
    engine, settings = make_engine(tmp_path)
    other = GptSovits(settings).with_model(bring_pair(settings, "rin", "v2", seed=5))
    other.load()
    first, second = speak(engine, utter(settings)), speak(other, utter(settings))
    assert not np.allclose(first[:8_000], second[:8_000], atol=0.01)
    assert np.array_equal(first, speak(engine, utter(settings)))


def test_a_cancelled_line_ends_within_a_step(loaded: Loaded) -> None:
    engine, settings = loaded
    cancel = CancelToken()
    stream = engine.speak(utter(settings), cancel)
    next(stream)
    assert engine._speaker is not None
    batch = engine._speaker.model.batch
    steps = batch.steps
    cancel.set()
    with pytest.raises(WorkCancelled):
        for _ in stream:
            pass
    assert batch.steps <= steps + 1 and batch.line_count == 0


def test_the_first_sound_comes_before_the_sentence_is_over(loaded: Loaded) -> None:
    engine, settings = loaded
    sizes = [chunk.samples.size for chunk in engine.speak(utter(settings), CancelToken())]
    sounds = [size for size in sizes if size]
    assert len(sounds) > 1 and sounds[0] == (2 * 16 - 4) * 640
    later = replace(utter(settings), first=False)
    whole = [chunk.samples.size for chunk in engine.speak(later, CancelToken())]
    assert len([size for size in whole if size]) == 1


@pytest.mark.slow
def test_options_change_how_a_line_is_spoken(loaded: Loaded) -> None:
    engine, settings = loaded
    plain = speak(engine, utter(settings))
    for options in ((("top_k", 1),), (("temperature", 3.0),), (("repetition_penalty", 3.0),)):
        assert not np.array_equal(plain, speak(engine, utter(settings, options=options)))
    parts = (("fragment_interval", 1.0), ("text_split_method", "cut5"))
    text = "これは最初の文です。これは二番目の文です。"
    cut = speak(engine, utter(settings, text, options=parts))
    silences = np.abs(cut) == 0
    assert len(engine.read(utter(settings, text, options=parts))) == 2
    assert silences.sum() >= engine.sample_rate


def test_a_pause_lasts_as_long_at_48_khz(loaded: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    engine, settings = loaded
    monkeypatch.setattr(engine, "_rate", 48_000)
    line = utter(settings, "最初の文です。次の文です。", options=(("text_split_method", "cut5"),))
    sounds = [chunk.samples for chunk in engine.speak(line, CancelToken())]
    assert [each.size for each in sounds if each.size and not each.any()] == [14_400]


def test_loud_sound_is_bounded_and_none_is_scaled(
    loaded: Loaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, settings = loaded
    speaker: Any = engine._speaker
    sounds = (np.array(each, np.float32) for each in ([0.5, 2.0, -3.0], [0.25]))
    monkeypatch.setattr(speaker, "speak", lambda *_: (each for each in sounds))
    assert speak(engine, utter(settings)).tolist() == [0.5, 1.0, -1.0, 0.25]


def test_a_style_is_another_clip(loaded: Loaded) -> None:
    engine, settings = loaded
    bring_character(settings, "angry", "nana", pitch=300.0)
    bring_character(settings, "moody", "nana")
    card = settings.presets.path / "moody.yaml"
    styles = "  styles: {angry: {reference: angry.wav, text: なんだと, language: ja}}\n"
    card.write_text(card.read_text(encoding="utf-8") + styles, encoding="utf-8")
    line = replace(utter(settings), character=character(settings, "moody"))
    plain = speak(engine, line)
    angry = speak(engine, replace(line, options=(("style", "angry"),)))
    assert not np.array_equal(plain[:5_000], angry[:5_000])
    with pytest.raises(BadRequest, match="no style 'sad'; the character has: angry"):
        speak(engine, replace(line, options=(("style", "sad"),)))


def test_a_prompt_is_computed_once(loaded: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    engine, settings = loaded
    expected = speak(engine, utter(settings))
    again = GptSovits(settings).with_model(engine.model)
    again.load()
    monkeypatch.setattr(FrontNetworks, "content", None)
    monkeypatch.setattr(FrontNetworks, "speaker", None)
    assert np.array_equal(expected, speak(again, utter(settings)))


@pytest.mark.slow
def test_a_damaged_prompt_is_made_again(loaded: Loaded) -> None:
    engine, settings = loaded
    expected = speak(engine, utter(settings))
    for path in (settings.cache.path / ".prompts").iterdir():
        path.write_bytes(path.read_bytes()[:100])
    again = GptSovits(settings).with_model(engine.model)
    again.load()
    assert np.array_equal(expected, speak(again, utter(settings)))


def test_speed_changes_the_length(loaded: Loaded) -> None:
    engine, settings = loaded
    plain, fast = (speak(engine, utter(settings, speed=speed)).size for speed in (1.0, 2.0))
    assert 0.48 < fast / plain < 0.52


def test_a_long_text_is_cut_where_a_model_has_no_room(loaded: Loaded) -> None:
    engine, settings = loaded
    sentences = engine.read(utter(settings, "とても長い文" * 80 + "。"))
    assert len(sentences) > 1
    assert max(len(sentence.phones) for sentence in sentences) <= MOST_PHONES


def test_words_span_the_sound_of_their_sentence(loaded: Loaded) -> None:
    engine, settings = loaded
    chunks = list(engine.speak(utter(settings), CancelToken()))
    (word,) = (word for chunk in chunks for word in chunk.words)
    seconds = sum(chunk.samples.size for chunk in chunks) / engine.sample_rate
    assert word.text == TEXT and word.start == pytest.approx(-seconds) and word.end == 0


def test_another_file_is_another_version(tmp_path: Path) -> None:
    engine, settings = make_engine(tmp_path)
    before = engine.version
    write_sovits(settings.models.path / "gpt_sovits/nana/nana_e8.pth", "v2ProPlus", seed=9)
    assert engine.version == before, "what is loaded speaks on"
    assert GptSovits(settings).with_model(engine.model).version != before


def test_a_missing_model_says_which_there_are(loaded: Loaded) -> None:
    engine, settings = loaded
    with pytest.raises(BadRequest, match=r"no model 'rin'; there are: nana-e15\+nana_e8"):
        GptSovits(settings).with_model("rin").load()
    with pytest.raises(BadRequest, match="has several models"):
        GptSovits(settings).load()


def test_without_files_it_says_what_is_needed(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match="no pair of files yet"):
        GptSovits(settings_in(tmp_path)).load()


@pytest.mark.slow
def test_a_missing_hubert_is_named_when_a_clip_must_be_heard(tmp_path: Path) -> None:
    engine, settings = make_engine(tmp_path)
    (settings.models.path / "gpt_sovits/chinese-hubert-base/pytorch_model.bin").unlink()
    with pytest.raises(WeightsMissing, match="chinese-hubert-base/pytorch_model.bin"):
        speak(engine, utter(settings))


def test_files_that_do_not_go_together_are_refused(tmp_path: Path) -> None:
    _, settings = make_engine(tmp_path)
    folder = settings.models.path / "gpt_sovits" / "nana"
    write_gpt(folder / "nana-e15.ckpt", "v1")
    with pytest.raises(Unavailable, match="do not go together"):
        GptSovits(settings).with_model("nana-e15+nana_e8").load()


def test_a_character_of_another_engine_is_refused(loaded: Loaded) -> None:
    engine, settings = loaded
    other = replace(character(settings), voice=KokoroVoice(np.zeros((510, 256), np.float32)))
    assert not engine.can_speak(other) and engine.can_speak(character(settings))
    with pytest.raises(BadRequest, match="no clip for GPT-SoVITS"):
        speak(engine, replace(utter(settings), character=other))


def test_a_text_without_sound_is_refused(loaded: Loaded) -> None:
    engine, settings = loaded
    with pytest.raises(NothingToSay):
        speak(engine, utter(settings, "。。。"))


def test_a_loaded_model_asks_no_disk_for_what_a_request_needs(
    loaded: Loaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, _ = loaded
    before = engine.version, engine.weights, engine.sample_rate

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the disk was asked")

    monkeypatch.setattr(Path, "stat", refuse)
    assert (engine.version, engine.weights, engine.sample_rate) == before
