"""A server with api_v2 of GPT-SoVITS, written from its published contract."""

from __future__ import annotations

import struct

from realtime.audio.wav import wav_header
from tests.support.remote_server import Handler, RemoteStandIn, sound_of

LANGUAGES = ("auto", "en", "zh", "ja", "all_zh", "all_ja")


def gpt_sovits_stand_in(rate: int = 32_000) -> RemoteStandIn:
    """Make a server; `log` has its switches and lines with the weights in force."""
    stand_in = RemoteStandIn(_doors, rate)
    stand_in.state |= {"gpt": "", "sovits": "", "silence": None}
    return stand_in


def _doors(stand_in: RemoteStandIn, handler: Handler) -> bool:
    path = handler.asked.path
    if path in ("/set_gpt_weights", "/set_sovits_weights"):
        _switch(stand_in, handler, path.split("_")[1])
    elif path == "/tts":
        _speak(stand_in, handler)
    else:
        return False
    return True


def _switch(stand_in: RemoteStandIn, handler: Handler, kind: str) -> None:
    wanted = handler.asked.query.get("weights_path", "")
    if not wanted:
        handler.answer_json({"message": f"{kind} weight path is required"}, 400)
    elif wanted.startswith("missing"):
        content = {"message": f"change {kind} weight failed", "Exception": f"no file {wanted}"}
        handler.answer_json(content, 400)
    else:
        with stand_in.lock:
            assert not stand_in.running, "weights were switched under a running line"
            stand_in.state[kind] = wanted
            stand_in.log.append(f"{kind} {wanted}")
        handler.answer_json({"message": "success"})


def _speak(stand_in: RemoteStandIn, handler: Handler) -> None:
    asked = handler.body or handler.asked.query
    for name in ("ref_audio_path", "text", "text_lang", "prompt_lang"):
        if not asked.get(name):
            return handler.answer_json({"message": f"{name} is required"}, 400)
        if name.endswith("_lang") and asked[name] not in LANGUAGES:
            message = f"{name}: {asked[name]} is not supported in version v2"
            return handler.answer_json({"message": message}, 400)
    if str(asked["ref_audio_path"]).startswith("missing"):
        content = {"message": "tts failed", "Exception": f"{asked['ref_audio_path']} not exists"}
        return handler.answer_json(content, 400)
    if handler.fails():
        return None
    with stand_in.lock:
        stand_in.log.append(f"line {stand_in.state['gpt']} {stand_in.state['sovits']}")
    sound = sound_of(asked["text"], stand_in.rate, asked["speed_factor"], asked["seed"])
    fault = stand_in.state["silence"]
    if fault is not None:  # an error inside, after so many bytes of sound
        sound = sound[:fault] + bytes(2 * stand_in.rate)
    # A header of 44 bytes with zero frames, then the sound.
    head = wav_header(stand_in.rate, 0)
    assert struct.unpack_from("<I", head, 40)[0] == 0
    return handler.answer_sound(head, sound, "audio/wav")
