"""The contract, over the whole registry: a new engine is tested by being listed."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from realtime import blocks
from realtime.characters import Characters
from realtime.engines import registry
from realtime.engines.contract import (
    CancelToken,
    Chunk,
    Converter,
    Samples,
    Synthesizer,
    Utterance,
    WorkCancelled,
)
from realtime.engines.indextts.engine import IndexTts
from realtime.engines.several_models import SeveralModels
from realtime.engines.voice_change import VoiceChange
from realtime.errors import BadRequest, WeightsMissing
from realtime.settings import (
    GptSovitsSettings,
    ModelsSettings,
    OutsideSettings,
    Settings,
    ValleSettings,
    VocoderSettings,
)
from realtime.text.language import Segment
from tests.support import ddsp_files, gpt_sovits_voices, remote_world, small_valle
from tests.support.gpt_sovits_files import write_front
from tests.support.indextts_environment import bring_files, make_environment, write_character
from tests.support.rvc_models import bring_rvc
from tests.support.torchscript_models import Filter, scripted
from tests.support.valle_files import settings_in
from tests.support.vocoder_files import bring_hifigan
from tests.support.voice_like_sound import voice

# With a letter of a–z in each, the only ones that every engine makes audible.
TEXTS = {"en": "Hello there.", "zh": "你好，abcdef。", "ja": "こんにちは、abcdef。"}
ASKED = VoiceChange(target=180.0, gate=-90.0)
MOST_LONG = 4  # blocks of converters that hear long windows, which take long
LONG = "She walked along the river until the lights of the old town were far behind her. " * 3


def of_kind(kind: type) -> list[str]:
    return [
        name for name in registry.ENGINES if isinstance(registry.create(name, Settings()), kind)
    ]


def loaded(name: str, settings: Settings) -> Iterator[Synthesizer | Converter]:
    name, _, place = name.partition("@")
    if place:  # each of these is loaded a second time, in a process of its own
        settings = replace(settings, outside=OutsideSettings(engines=(name,)))
    if name in remote_world.STAND_INS:
        folder = remote_presets(name, settings)
        with remote_world.remote_world(name, settings, folder) as world:
            yield from loaded_from(name, world.settings)
        return
    if name == "indextts":
        settings = replace(settings, models=with_indextts(settings))
        with pytest.MonkeyPatch.context() as patch:
            python = make_environment(settings.models.path / "environment")
            patch.setattr(IndexTts, "python", lambda _: python)
            yield from loaded_from(name, settings)
        return
    if name == "valle":
        settings = with_small_valle(settings)
    if name == "gpt_sovits":
        settings = with_small_gpt_sovits(settings)
    if name == "torchscript":
        scripted(settings.models.path, "filter", Filter(), block=320, context=320, causal=True)
    if name == "rvc":
        settings = bring_rvc(settings.models.path / "small_rvc")
    if name == "vocoder":
        settings = with_small_vocoder(settings)
    if name == "ddsp_svc":
        settings = ddsp_files.settings_with_voices(settings.models.path / "ddsp_small", "6.1")
    yield from loaded_from(name, settings)


def loaded_from(name: str, settings: Settings) -> Iterator[Synthesizer | Converter]:
    engine = registry.create(name, settings)
    if isinstance(engine, SeveralModels):
        (model,) = engine.find_models()
        engine = engine.with_model(model)
    engine.load()
    yield engine
    engine.unload()


@pytest.fixture(scope="module", params=[*of_kind(Synthesizer), "tone@outside", "hibari@outside"])
def speaker(
    request: pytest.FixtureRequest, settings: Settings
) -> Iterator[Synthesizer | Converter]:
    yield from loaded(request.param, settings)


@pytest.fixture(scope="module", params=[*of_kind(Converter), "gain@outside", "world@outside"])
def converter(
    request: pytest.FixtureRequest, settings: Settings
) -> Iterator[Synthesizer | Converter]:
    yield from loaded(request.param, settings)


@pytest.fixture(scope="module")
def characters(speaker: Synthesizer, settings: Settings) -> Characters:
    if speaker.name == "valle":
        folder = with_small_valle(settings).presets.path
        return Characters(folder, dict.fromkeys(("en", "zh", "ja"), small_valle.NAME))
    if speaker.name == "gpt_sovits":
        folder = settings.models.path / "gpt_sovits_small" / "presets"
        return Characters(folder, dict.fromkeys(("en", "zh", "ja"), "nana"))
    if speaker.name == "indextts":
        folder = with_indextts(settings).path
        return Characters(folder, dict.fromkeys(("en", "zh", "ja"), "yuki"))
    if speaker.name in remote_world.STAND_INS:
        folder = remote_presets(speaker.name, settings)
        return Characters(folder, dict.fromkeys(("en", "zh", "ja"), remote_world.NAME))
    return Characters(settings.presets.path, settings.default_characters)


def remote_presets(name: str, settings: Settings) -> Path:
    return settings.models.path / name / "presets"


def with_small_valle(settings: Settings) -> Settings:
    """Use folders of its own, so that elsewhere the weights of `valle` are still missing."""
    folder = settings.models.path / "small"
    folder.mkdir(exist_ok=True)
    made = replace(
        settings_in(folder), valle=ValleSettings(device="cpu", precision="fp32", plan="eager")
    )
    small_valle.write_files(made)
    small_valle.write_voice(made.presets.path, frames=24)  # so quick that a sentence is one piece
    return made


def with_small_gpt_sovits(settings: Settings) -> Settings:
    """Use folders of its own, so that elsewhere the weights of GPT-SoVITS are still missing."""
    made = gpt_sovits_voices.settings_in(settings.models.path / "gpt_sovits_small")
    write_front(made.models.path)
    gpt_sovits_voices.bring_pair(made, "nana")
    gpt_sovits_voices.bring_character(made, "nana", "nana")
    own = GptSovitsSettings(device="cpu", precision="fp32", plan="eager")
    return replace(made, gpt_sovits=own)


def with_indextts(settings: Settings) -> ModelsSettings:
    """Use a folder of its own, with a card in it and files in place of the weights."""
    folder = settings.models.path / "indextts_stand_in"
    bring_files(folder)
    write_character(folder, "yuki")
    return ModelsSettings(path=folder)


def with_small_vocoder(settings: Settings) -> Settings:
    """Use a folder of its own, so that elsewhere the weights of vocoders are still missing."""
    folder = settings.models.path / "vocoders"
    bring_hifigan(folder)
    return replace(settings, models=ModelsSettings(path=folder), vocoder=VocoderSettings(batch=1))


def utterance(characters: Characters, language: str, text: str | None = None) -> Utterance:
    segment = Segment(text or TEXTS[language], language)
    return Utterance((segment,), characters.default(language), seed=7)


def sound(chunks: Iterator[Chunk]) -> Samples:
    return np.concatenate([chunk.samples for chunk in chunks])


def test_every_language_gives_audible_sound(speaker: Synthesizer, characters: Characters) -> None:
    assert speaker.languages
    for language in speaker.languages:
        samples = sound(speaker.speak(utterance(characters, language), CancelToken()))
        assert samples.dtype == np.float32 and samples.ndim == 1
        assert np.abs(samples).max() <= 1.0
        assert np.sqrt(np.mean(samples**2)) > 0.01
        assert 0.4 < samples.size / speaker.sample_rate < 5


def test_the_same_seed_gives_the_same_samples(speaker: Synthesizer, characters: Characters) -> None:
    asked = utterance(characters, sorted(speaker.languages)[0])
    first, second = (sound(speaker.speak(asked, CancelToken())) for _ in range(2))
    assert np.array_equal(first, second)


def test_interleaved_streams_give_what_each_gives_alone(
    speaker: Synthesizer, characters: Characters
) -> None:
    language = sorted(speaker.languages)[0]
    asked = [utterance(characters, language, text) for text in (LONG[:80], "Wait a moment!")]
    alone = [sound(speaker.speak(one, CancelToken())) for one in asked]
    streams = [speaker.speak(one, CancelToken()) for one in asked]
    mixed: list[list[Chunk]] = [[], []]
    live = [0, 1]
    while live:
        for place in list(live):
            chunk = next(streams[place], None)
            if chunk is None:
                live.remove(place)
            else:
                mixed[place].append(chunk)
    for place in (0, 1):
        assert np.array_equal(sound(iter(mixed[place])), alone[place])


def test_words_are_pieces_of_the_text_in_order(
    speaker: Synthesizer, characters: Characters
) -> None:
    for language in speaker.languages:
        asked = utterance(characters, language)
        found, begun, end = 0, 0.0, 0.0  # seconds of sound before a chunk, and of words
        for chunk in speaker.speak(asked, CancelToken()):
            for word in chunk.words:
                assert word.text in asked.segments[0].text
                assert end - 1e-3 <= begun + word.start <= begun + word.end
                end, found = begun + word.end, found + 1
            begun += chunk.samples.size / speaker.sample_rate
            assert end <= begun + 1e-3
        # No time is invented for what a server elsewhere has spoken.
        assert bool(found) == (speaker.name not in remote_world.STAND_INS)


def test_twice_the_speed_is_shorter(speaker: Synthesizer, characters: Characters) -> None:
    asked = utterance(characters, sorted(speaker.languages)[0])
    usual = sound(speaker.speak(asked, CancelToken())).size
    assert sound(speaker.speak(replace(asked, speed=2.0), CancelToken())).size < 0.8 * usual


def test_a_cancel_stops_a_stream_within_reason(
    speaker: Synthesizer, characters: Characters
) -> None:
    """A benchmark measures how fast it stops; this test only says that it stops at all."""
    cancel = CancelToken()
    asked = utterance(characters, sorted(speaker.languages)[0], LONG)
    stream = speaker.speak(asked, cancel)
    timer = threading.Timer(0.05, cancel.set)
    timer.start()
    started = time.monotonic()
    try:
        for _ in stream:
            pass
    except WorkCancelled:
        pass
    timer.join()
    assert time.monotonic() - started < 3


def blocks_of(converter: Converter, blocks: int, pitch: float = 140.0) -> list[Samples]:
    plan = converter.plan(ASKED)
    blocks = min(blocks, MOST_LONG) if plan.file_block else blocks
    sound = voice(blocks * plan.block / plan.rate, pitch, plan.rate)
    return np.split(sound, blocks)


def converted(converter: Converter, blocks: list[Samples]) -> list[Samples]:
    return list(converter.convert(iter(blocks), ASKED, CancelToken()))


def test_a_plan_fits_itself(converter: Converter) -> None:
    plan = converter.plan(ASKED)
    for count in (plan.block, plan.latency, plan.context):
        assert count % plan.step == 0 or count == plan.latency
    assert plan.latency * plan.output_rate % plan.rate == 0
    assert plan.step * plan.output_rate % plan.rate == 0
    # A converter that hears long windows works in longer blocks.
    most = 0.6 if plan.file_block else 0.08
    assert plan.whole or (plan.block + plan.latency) / plan.rate <= most


def test_every_block_gives_one_that_lasts_as_long(converter: Converter) -> None:
    plan = converter.plan(ASKED)
    blocks = blocks_of(converter, 12)
    blocks += [np.concatenate(blocks[:3]), blocks[0]]
    found = converted(converter, blocks)
    for block, given in zip(blocks, found, strict=True):
        assert given.size * plan.rate == block.size * plan.output_rate
        assert given.dtype == np.float32 and np.abs(given).max() <= 1
    assert np.abs(np.concatenate(found)).max() > 0.005


def test_nothing_is_heard_before_its_time(converter: Converter) -> None:
    """The output is silent for the length of the latency, and no longer."""
    plan = converter.plan(ASKED)
    blocks = blocks_of(converter, 20)
    found = np.concatenate(converted(converter, blocks))
    early = plan.latency * plan.output_rate // plan.rate
    assert not found[:early].any()
    assert np.abs(found[early : early + found.size // 4]).max() > 0.001


def test_a_conversion_is_the_same_every_time(converter: Converter) -> None:
    blocks = blocks_of(converter, 12)
    first, second = (converted(converter, blocks) for _ in range(2))
    assert all(map(np.array_equal, first, second))


def test_interleaved_conversions_give_what_each_gives_alone(converter: Converter) -> None:
    sounds = [blocks_of(converter, 15, pitch) for pitch in (110.0, 220.0)]
    alone = [converted(converter, blocks) for blocks in sounds]
    streams = [converter.convert(iter(blocks), ASKED, CancelToken()) for blocks in sounds]
    for number in range(len(alone[0])):
        for place in (0, 1):
            assert np.array_equal(next(streams[place]), alone[place][number])


def test_a_cancelled_conversion_stops_at_its_next_block(converter: Converter) -> None:
    cancel = CancelToken()
    stream = converter.convert(iter(blocks_of(converter, 3)), ASKED, cancel)
    next(stream)
    cancel.set()
    with pytest.raises(WorkCancelled):
        next(stream)


def test_an_unknown_engine_names_the_known_ones(settings: Settings) -> None:
    with pytest.raises(BadRequest, match="hibari, kokoro, tone, gain"):
        registry.create("bell", settings)


@pytest.mark.parametrize("name", registry.ENGINES)
def test_the_libraries_are_in_a_block_of_requirements_txt(name: str) -> None:
    assert registry.create(name, Settings()).block in blocks.LIBRARIES


NEEDY = [name for name in registry.ENGINES if registry.create(name, Settings()).weights]


@pytest.mark.parametrize("name", NEEDY)
def test_missing_weights_say_which_file_where_and_how(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("realtime.weights.packaged_path", lambda name: None)
    engine = registry.create(name, Settings(models=ModelsSettings(path=tmp_path)))
    with pytest.raises(WeightsMissing) as missing:
        engine.load()
    assert str(tmp_path / name) in missing.value.message
    assert missing.value.hint
    assert "un `make serve" in missing.value.hint or name in (
        "valle",
        "indextts",
        "gpt_sovits",
        "ddsp_svc",
        "rvc",
    )
