"""Models that people bring get uploads together as their cards allow, and at the rates they ask."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from realtime.settings import ModelsSettings, Settings
from realtime.web.app import create_app
from tests.support.documented_client import DocumentedClient, services_of
from tests.support.server import scripted_services
from tests.support.torchscript_models import (
    MOST_RATE,
    Counting,
    Humming,
    Refusing,
    TellingRate,
    exported,
    scripted,
)
from tests.support.uploads import archive_of, outcomes_of, recording, samples_of, upload
from tests.support.voice_like_sound import pcm, voice

MODEL_RATE = 16_000
BLOCK = 320
Start = Callable[[], TestClient]


@pytest.fixture
def start(web_settings: Settings, tmp_path: Path) -> Iterator[Start]:
    """Return a function that starts a server with the models that a test has put there."""
    with ExitStack() as stack:

        def started() -> TestClient:
            settings = replace(web_settings, models=ModelsSettings(path=tmp_path))
            app = create_app(scripted_services(settings))
            return stack.enter_context(DocumentedClient(app))

        yield started


def ask(client: TestClient, *sounds: Any, rate: int = MODEL_RATE) -> Any:
    files = [(f"{number}.wav", recording(sound, rate)) for number, sound in enumerate(sounds)]
    return upload(client, *files, engine="torchscript")


def program_of(client: TestClient, name: str) -> Any:
    services = services_of(client)
    return services.models.engine(f"torchscript:{name}")._loaded._program


def sounds_of(*seconds: float) -> list[Any]:
    return [
        pcm(0.5 * voice(each, pitch=100 + 30 * number, rate=MODEL_RATE))
        for number, each in enumerate(seconds)
    ]


def check_as_alone(client: TestClient, sounds: list[Any]) -> None:
    """Check that an upload of all gives for each what it gives alone, but for rounding."""
    found = archive_of(ask(client, *sounds))
    for number, sound in enumerate(sounds):
        alone = samples_of(ask(client, sound).content).astype(int)
        together = samples_of(found[f"{number}.wav"]).astype(int)
        assert together.size == alone.size == sound.size
        assert np.abs(together - alone).max() <= 1, number


def test_whole_recordings_of_one_length_come_in_one_call(start: Start, tmp_path: Path) -> None:
    scripted(tmp_path, "counting", Counting(), batch=3)
    client = start()
    sounds = sounds_of(0.5, 0.25, 0.5, 0.5, 0.5)
    assert ask(client, *sounds).status_code == 200
    # Four of one length in calls of at most three; another length would need padding.
    assert sorted(program_of(client, "counting").rows) == [1, 2, 2]
    check_as_alone(client, sounds)


def test_a_causal_model_gets_shorter_ones_with_silence_behind(start: Start, tmp_path: Path) -> None:
    scripted(tmp_path, "counting", Counting(), batch=8, causal=True)
    client = start()
    sounds = sounds_of(0.5, 0.4, 0.3)
    assert ask(client, *sounds).status_code == 200
    program = program_of(client, "counting")
    assert (program.rows, program.lengths) == ([3], [MODEL_RATE // 2])
    check_as_alone(client, sounds)


def test_blocks_of_several_recordings_come_in_one_call(start: Start, tmp_path: Path) -> None:
    """Recordings that end leave, and the others go on."""
    streaming = {"block": BLOCK, "context": BLOCK, "causal": True}
    scripted(tmp_path, "counting", Counting(), batch=4, **streaming)
    client = start()
    sounds = sounds_of(0.5, 0.3, 0.4)
    assert ask(client, *sounds).status_code == 200
    rows = program_of(client, "counting").rows
    assert rows[1:14] == [3] * 13 and rows[-1] == 1
    assert sum(rows) <= sum(sound.size // BLOCK + 2 for sound in sounds)
    check_as_alone(client, sounds)


def test_pieces_that_are_joined_come_in_one_call_too(start: Start, tmp_path: Path) -> None:
    scripted(tmp_path, "counting", Counting(), batch=4, block=640, context=640, ahead=160)
    client = start()
    sounds = sounds_of(0.5, 0.3)
    assert ask(client, *sounds).status_code == 200
    assert max(program_of(client, "counting").rows) == 2
    check_as_alone(client, sounds)


def test_without_the_key_each_comes_alone(start: Start, tmp_path: Path) -> None:
    scripted(tmp_path, "counting", Counting())
    client = start()
    assert ask(client, *sounds_of(0.3, 0.3)).status_code == 200
    assert program_of(client, "counting").rows == [1, 1]


def test_a_recording_that_a_model_refuses_fails_alone(start: Start, tmp_path: Path) -> None:
    scripted(tmp_path, "refusing", Refusing(), batch=4)
    client = start()
    soft = sounds_of(0.3, 0.3)
    loud = np.full(soft[0].size, 32_000, np.int16)
    answer = ask(client, soft[0], loud, soft[1])
    assert [each["error"] and each["error"]["code"] for each in outcomes_of(answer)] == [
        None,
        "conversion_failed",
        None,
    ]
    for number, sound in ((0, soft[0]), (2, soft[1])):
        alone = samples_of(ask(client, sound).content).astype(int)
        found = samples_of(archive_of(answer)[f"{number}.wav"]).astype(int)
        assert np.abs(found - alone).max() <= 1


def pitch_of(answer: Any, rate: int) -> float:
    assert answer.headers["x-audio-sample-rate"] == str(rate)
    sound = samples_of(answer.content).astype(float)
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(sound.size)))
    return float(spectrum.argmax()) * rate / sound.size


@pytest.mark.parametrize(
    "rate", [8_000, 44_100, *(pytest.param(r, marks=pytest.mark.slow) for r in (11_025, 96_000))]
)
@pytest.mark.parametrize("block", [0, 400])
def test_a_model_gets_the_recording_s_own_rate_and_is_told_it(
    start: Start, tmp_path: Path, rate: int, block: int
) -> None:
    scripted(tmp_path, "humming", Humming(), input_rate="own", block=block, causal=True)
    client = start()
    sound = np.full(rate, 1_000, np.int16)
    answer = ask(client, sound, rate=rate)
    assert answer.status_code == 200, answer.text
    assert samples_of(answer.content).size == rate
    assert set(program_of(client, "humming").rates) == {rate}
    if not block:
        assert pitch_of(answer, rate) == pytest.approx(440, abs=1.5)


def test_an_exported_model_is_told_the_rate_as_a_tensor(start: Start, tmp_path: Path) -> None:
    exported(tmp_path, "telling", TellingRate(), None, input_rate="own")
    client = start()
    for rate in (8_000, 44_100):
        answer = ask(client, np.full(rate, 1_000, np.int16), rate=rate)
        assert set(samples_of(answer.content)) == {round(rate / MOST_RATE * 32_768)}


def test_a_model_without_that_argument_gets_the_samples_as_they_came(
    start: Start, tmp_path: Path
) -> None:
    """Counting tells the lengths: nothing was resampled on the way to the model."""
    scripted(tmp_path, "counting", Counting(), input_rate="own", batch=4)
    client = start()
    sounds = [np.full(count, 1_000, np.int16) for count in (4_410, 4_410, 800)]
    files = [
        (f"{number}.wav", recording(sound, rate))
        for number, (sound, rate) in enumerate(zip(sounds, (44_100, 22_050, 8_000), strict=True))
    ]
    found = archive_of(upload(client, *files, engine="torchscript"))
    program = program_of(client, "counting")
    # Equal lengths at two rates are not alike: such a batch could be told one rate only.
    assert (program.rows, sorted(program.lengths)) == ([1, 1, 1], [800, 4_410, 4_410])
    assert [samples_of(data).size for data in found.values()] == [4_410, 4_410, 800]
