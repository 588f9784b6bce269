"""A server with OpenAI's speech call, written from its published contract."""

from __future__ import annotations

from realtime.audio.wav import wav_header
from tests.support.remote_server import Handler, RemoteStandIn, sound_of

VOICES = ("alloy", "nova", "shimmer")


def openai_stand_in(
    gives_pcm: bool = True, lists_voices: bool = True, key: str = "", rate: int = 24_000
) -> RemoteStandIn:
    def doors(stand_in: RemoteStandIn, handler: Handler) -> bool:
        path = handler.asked.path
        if key and handler.headers.get("Authorization") != f"Bearer {key}":
            sent = handler.headers.get("Authorization", "")
            message = f"Incorrect API key provided: {sent.removeprefix('Bearer ')}."
            handler.answer_json({"error": {"message": message, "code": "invalid_api_key"}}, 401)
        elif path == "/v1/models":
            handler.answer_json({"object": "list", "data": [{"id": "tts-1", "object": "model"}]})
        elif path == "/v1/audio/voices" and lists_voices:
            handler.answer_json({"voices": [{"id": each, "name": each} for each in VOICES]})
        elif path == "/v1/audio/speech":
            _speak(stand_in, handler, gives_pcm)
        else:
            return False
        return True

    return RemoteStandIn(doors, rate)


def _speak(stand_in: RemoteStandIn, handler: Handler, gives_pcm: bool) -> None:
    body = handler.body
    form = body["response_format"]
    if handler.fails():
        return
    if body["voice"] not in VOICES:
        message = f"Input should be one of {', '.join(VOICES)}"
        handler.answer_json({"error": {"message": message, "param": "voice"}}, 400)
    elif form not in (("pcm", "wav") if gives_pcm else ("wav",)):
        message = f"response_format {form!r} is not supported"
        handler.answer_json({"error": {"message": message}}, 400)
    else:
        sound = sound_of(body["input"], stand_in.rate, body["speed"])
        head = wav_header(stand_in.rate, None) if form == "wav" else b""
        handler.answer_sound(head, sound, f"audio/{form}")
