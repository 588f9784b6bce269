"""VOICEVOX engines: their styles, what is asked of them, and what they tell of themselves."""

from __future__ import annotations

import pytest

from realtime.characters import Characters
from realtime.engines.contract import CancelToken
from realtime.errors import BadRequest, SynthesisFailed
from tests.support.remote_world import RemoteWorld


def test_a_line_is_a_query_and_its_synthesis(voicevox: RemoteWorld) -> None:
    engine = voicevox.engine()
    engine.load()
    voicevox.add_character("sweet", speaker=0, pitch=0.1, intonation=1.5, volume=0.5)
    asked = voicevox.utterance("こんにちは。", "sweet", speed=1.25)
    assert sum(chunk.samples.size for chunk in engine.speak(asked, CancelToken()))
    engine.unload()
    query, synthesis = voicevox.stand_in.asked[-2:]
    assert (query.path, query.query) == ("/audio_query", {"text": "こんにちは。", "speaker": "0"})
    assert (synthesis.path, synthesis.query) == ("/synthesis", {"speaker": "0"})
    assert synthesis.body == {
        "accent_phrases": [],
        "speedScale": 1.25,
        "pitchScale": 0.1,
        "intonationScale": 1.5,
        "volumeScale": 0.5,
        "outputSamplingRate": 24_000,
        "outputStereo": False,
        "kana": "こんにちは。",
    }


def test_a_wrong_style_is_told_with_those_that_exist(voicevox: RemoteWorld) -> None:
    engine = voicevox.engine()
    engine.load()
    voicevox.add_character("nobody", speaker=99)
    with pytest.raises(BadRequest, match="該当する話者が見つかりません") as refused:
        voicevox.speak(engine, "こんにちは。", "nobody")
    assert refused.value.hint == (
        "The server has these styles: 2 (四国めたん ノーマル), 0 (四国めたん あまあま), "
        "3 (ずんだもん ノーマル)."
    )
    nobody = Characters(voicevox.settings.presets.path, {}).get("nobody")
    assert str(engine.missing_voice(nobody)).startswith("the style 99; it has: 2 (四国めたん")
    engine.unload()


def test_its_version_is_part_of_the_keys_also_after_a_restart(voicevox: RemoteWorld) -> None:
    engine = voicevox.engine()
    unknown = engine.version
    engine.load()
    known = engine.version
    engine.unload()
    assert known != unknown and "engine=0.24.1" in known and engine.version == known
    assert voicevox.engine().version == known, "it was kept: nobody has asked the server yet"
    voicevox.stand_in.state["version"] = "0.25.0"
    engine.load()
    engine.unload()
    assert "engine=0.25.0" in engine.version and voicevox.engine().version == engine.version


def test_another_kind_of_server_is_told(voicevox: RemoteWorld) -> None:
    def doors(stand_in: object, handler: object) -> bool:
        handler.answer_json([])  # type: ignore[attr-defined]
        return True

    voicevox.stand_in.doors = doors
    with pytest.raises(SynthesisFailed, match="no speakers of VOICEVOX"):
        voicevox.engine().load()
