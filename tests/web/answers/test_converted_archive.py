"""Several recordings in one upload come back as an archive with a file for each."""

from __future__ import annotations

import http.client
import io
import subprocess
import tempfile
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from realtime.audio.formats import FORMATS
from realtime.errors import BadRequest, SynthesisFailed
from tests.support.documented_client import services_of
from tests.support.encoded_files import encoded_file
from tests.support.server import LiveServer
from tests.support.uploads import RATE, archive_of, outcomes_of, recording, samples_of, upload
from tests.support.voice_like_sound import pcm, voice

SOUNDS = [
    pcm(voice(seconds, pitch=pitch)) for seconds, pitch in ((0.5, 110), (0.3, 200), (0.7, 150))
]
GOOD = recording(SOUNDS[0])
BAD = b"This is no sound at all, but it is long enough to look at."
SILENT = recording(np.zeros(0, np.int16))


def test_each_comes_back_in_its_place_as_it_would_alone(client: TestClient) -> None:
    files = [(f"{name}.wav", recording(sound)) for name, sound in zip("cab", SOUNDS, strict=True)]
    answer = upload(client, *files)
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"] == 'attachment; filename="processed_audio.zip"'
    found = archive_of(answer)
    assert list(found) == ["c.wav", "a.wav", "b.wav"]
    for name, data in files:
        assert found[name] == upload(client, (name, data)).content


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_files_have_the_format_that_was_asked_for(client: TestClient, name: str) -> None:
    files = [("a", GOOD), ("b.ogg", encoded_file("ogg", RATE, SOUNDS[1]))]
    found = archive_of(upload(client, *files, format=name, sample_rate="48000"))
    assert list(found) == [f"a.{name}", f"b.{name}"]
    for (_, data), content in zip(files, found.values(), strict=True):
        alone = upload(client, ("x", data), format=name, sample_rate="48000").content
        if name in ("ogg", "opus"):  # the stream's serial number is another one each time
            assert abs(len(content) - len(alone)) < 100
        else:
            assert content == alone


def test_names_are_safe_and_each_there_once(client: TestClient) -> None:
    sent = ["../../etc/pass", "A.wav", "a.mp3", "C:\\x\\con.wav", ".."]
    found = archive_of(upload(client, *[(name, GOOD) for name in sent]))
    assert list(found) == ["pass.wav", "A.wav", "a-2.wav", "_con.wav", "recording.wav"]


def test_a_common_program_unpacks_it(client: TestClient, tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(upload(client, ("山.wav", GOOD), ("b.wav", GOOD)).content)
    command = ["python3", "-m", "zipfile", "-e", "a.zip", "out"]
    subprocess.run(command, cwd=tmp_path, check=True)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["b.wav", "山.wav"]


def test_a_bad_file_among_good_ones_is_told(client: TestClient) -> None:
    answer = upload(client, ("x.txt", BAD), ("a.wav", GOOD), ("empty.wav", SILENT), ("b", GOOD))
    assert list(archive_of(answer)) == ["a.wav", "b.wav", "outcomes.json"]
    found = outcomes_of(answer)
    assert [(each["index"], each["name"], each["file"]) for each in found] == [
        (0, "x.txt", None),
        (1, "a.wav", "a.wav"),
        (2, "empty.wav", None),
        (3, "b", "b.wav"),
    ]
    assert [each["error"] and each["error"]["code"] for each in found] == [
        "unsupported_format",
        None,
        "bad_audio",
        None,
    ]
    assert "readable are wav" in found[0]["error"]["message"]
    for name in ("a.wav", "b.wav"):
        assert archive_of(answer)[name] == upload(client, ("a.wav", GOOD)).content


def test_when_all_fail_the_first_decides(client: TestClient) -> None:
    answer = upload(client, ("a", SILENT), ("b", BAD))
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_audio")
    answer = upload(client, ("a", BAD), ("b", SILENT))
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "unsupported_format")


@pytest.mark.parametrize(
    "fields, status, code",
    [
        ({"character": "nobody"}, 404, "character_not_found"),
        ({"engine": "bell"}, 400, "unknown_engine"),
        ({"sample_rate": "1"}, 400, "bad_request"),
    ],
)
def test_what_is_wrong_for_all_is_one_error(
    client: TestClient, fields: dict[str, str], status: int, code: str
) -> None:
    answer = upload(client, ("a", GOOD), ("b", GOOD), **fields)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


def test_a_file_whose_conversion_breaks_is_told(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first breaks after some sound was made of it: nothing of that is delivered."""
    real = services_of(client).models.converter("gain").engine
    heard: list[int] = []

    def convert(self: Any, blocks: Any, change: Any, cancel: Any) -> Iterator[Any]:
        heard.append(len(heard))
        if len(heard) == 1:
            yield next(blocks)
            raise SynthesisFailed("It broke.")
        yield from blocks

    monkeypatch.setattr(type(real), "convert", convert)
    answer = upload(client, ("a.wav", GOOD), ("b.wav", GOOD))
    assert [each["error"] and each["error"]["code"] for each in outcomes_of(answer)] == [
        "synthesis_failed",
        None,
    ]
    assert list(archive_of(answer)) == ["b.wav", "outcomes.json"]


def test_words_are_spoken_again_one_by_one(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def recording_by_words(request: Any, parts: Any, rate: int, output_rate: int) -> Any:
        async def spoken() -> Any:
            assert request.by_words
            samples = sum([part.size async for part in parts])
            if samples == SOUNDS[1].size:
                raise BadRequest("It was not understood.", code="no_speech")
            yield np.full(output_rate // 10, samples // 100, np.int16)

        return spoken()

    changer = services_of(client).voice_changer
    monkeypatch.setattr(changer, "recording", recording_by_words)
    files = [(name, recording(sound)) for name, sound in zip("abc", SOUNDS, strict=True)]
    answer = upload(client, *files, engine="revoice")
    found = archive_of(answer)
    assert list(found) == ["a.wav", "c.wav", "outcomes.json"]
    assert [samples_of(found[name])[0] for name in ("a.wav", "c.wav")] == [120, 168]
    assert outcomes_of(answer)[1]["error"]["code"] == "no_speech"


def form(*names: str) -> tuple[bytes, dict[str, str]]:
    body = b'--x\r\nContent-Disposition: form-data; name="engine"\r\n\r\ngain\r\n'
    for name in names:
        head = f'--x\r\nContent-Disposition: form-data; name="audio"; filename="{name}"\r\n\r\n'
        body += head.encode() + recording(np.tile(SOUNDS[2], 40)) + b"\r\n"
    return body + b"--x--\r\n", {"Content-Type": "multipart/form-data; boundary=x"}


@pytest.mark.slow
def test_nothing_is_left_on_disk(live: LiveServer, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    connection = http.client.HTTPConnection(*live.address, timeout=60)
    connection.request("POST", "/api/process", *form("a.wav", "b.wav"))
    data = connection.getresponse().read()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert [item.file_size for item in archive.infolist()] == [44 + 2 * 40 * SOUNDS[2].size] * 2
    assert not list(tmp_path.iterdir())
    connection.close()


def test_a_file_is_sent_while_the_next_one_is_converted(
    live: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second conversion waits until the client has got the start of the first file."""
    engine = live.services.models.converter("gain").engine
    begun: list[int] = []
    arrived = threading.Event()

    def convert(self: Any, blocks: Any, change: Any, cancel: Any) -> Iterator[Any]:
        begun.append(len(begun))
        for block in blocks:
            assert len(begun) == 1 or arrived.wait(60), "the first file was held back"
            yield block

    monkeypatch.setattr(type(engine), "convert", convert)
    connection = http.client.HTTPConnection(*live.address, timeout=60)
    connection.request("POST", "/api/process", *form("a.wav", "b.wav"))
    answer = connection.getresponse()
    start = answer.read(2)
    arrived.set()
    with zipfile.ZipFile(io.BytesIO(start + answer.read())) as archive:
        assert archive.testzip() is None and archive.namelist() == ["a.wav", "b.wav"]
    connection.close()


def test_who_leaves_frees_the_engine(live: LiveServer) -> None:
    connection = http.client.HTTPConnection(*live.address, timeout=20)
    connection.request("POST", "/api/process", *form(*"abcdefgh"))
    answer = connection.getresponse()
    assert answer.status == 200 and answer.read(2) == b"PK"
    connection.sock.close()
    answer.close()
    for _ in range(2_000):
        if not any(jobs for _, jobs in live.services.models.job_counts()):
            break
        live.answer("GET", "/health").read()
    assert not any(jobs for _, jobs in live.services.models.job_counts())
