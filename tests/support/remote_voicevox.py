"""A VOICEVOX engine, written from its published contract."""

from __future__ import annotations

from typing import Any

from realtime.audio.wav import wav_header
from tests.support.remote_server import Handler, RemoteStandIn, sound_of

SPEAKERS: list[dict[str, Any]] = [
    {
        "name": "四国めたん",
        "speaker_uuid": "7ffcb7ce-00ec-4bdc-82cd-45a8889e43ff",
        "styles": [
            {"name": "ノーマル", "id": 2, "type": "talk"},
            {"name": "あまあま", "id": 0, "type": "talk"},
        ],
        "version": "0.15.9",
    },
    {
        "name": "ずんだもん",
        "speaker_uuid": "388f246b-8c41-4ac1-8e2d-5d79f3ff56d9",
        "styles": [
            {"name": "ノーマル", "id": 3, "type": "talk"},
            {"name": "歌", "id": 3003, "type": "frame_decode"},
        ],
        "version": "0.15.9",
    },
]
POLICY = "# {name}\n\nCredit is needed: VOICEVOX:{name}. https://example.com/terms"


def voicevox_stand_in(rate: int = 24_000) -> RemoteStandIn:
    stand_in = RemoteStandIn(_doors, rate)
    stand_in.state["version"] = "0.24.1"
    return stand_in


def _doors(stand_in: RemoteStandIn, handler: Handler) -> bool:
    path, query = handler.asked.path, handler.asked.query
    if path == "/version":
        handler.answer_json(stand_in.state["version"])
    elif path == "/speakers":
        handler.answer_json(SPEAKERS)
    elif path == "/speaker_info":
        found = [each for each in SPEAKERS if each["speaker_uuid"] == query["speaker_uuid"]]
        policy = POLICY.format(name=found[0]["name"])
        handler.answer_json({"policy": policy, "portrait": "", "style_infos": []})
    elif path in ("/audio_query", "/synthesis"):
        _speak(stand_in, handler, path, query)
    else:
        return False
    return True


def _speak(stand_in: RemoteStandIn, handler: Handler, path: str, query: dict[str, str]) -> None:
    ids = {style["id"] for speaker in SPEAKERS for style in speaker["styles"]}
    if int(query["speaker"]) not in ids:
        return handler.answer_json({"detail": "該当する話者が見つかりません"}, 404)
    if path == "/audio_query":
        content = {
            "accent_phrases": [],
            "speedScale": 1.0,
            "pitchScale": 0.0,
            "intonationScale": 1.0,
            "volumeScale": 1.0,
            "outputSamplingRate": 24_000,
            "outputStereo": False,
            "kana": query["text"],
        }
        return handler.answer_json(content)
    if handler.fails():
        return None
    body = handler.body
    rate = body["outputSamplingRate"]
    sound = sound_of(body["kana"], rate, body["speedScale"], int(query["speaker"]))
    return handler.answer_sound(wav_header(rate, len(sound) // 2), sound, "audio/wav")
