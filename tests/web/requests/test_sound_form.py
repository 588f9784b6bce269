"""The form of a sound: a stream at the recording's own rate, unless something else is asked for."""

from __future__ import annotations

from realtime.audio.formats import FORMATS
from realtime.web.requests.openai_speech import OpenAiSpeechRequest
from realtime.web.requests.sound_form import SoundForm


def test_a_format_alone_is_a_stream() -> None:
    form = SoundForm(format=FORMATS["wav"])
    assert (form.sample_rate, form.events, form.whole, form.timestamps) == (None, *[False] * 3)
    assert issubclass(OpenAiSpeechRequest, SoundForm)
