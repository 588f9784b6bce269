"""Files are found in the promised order, verified, and made whole or not at all."""

from __future__ import annotations

import hashlib
import http.server
import multiprocessing
import threading
from collections.abc import Iterator
from dataclasses import replace
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from realtime.errors import WeightsMissing
from realtime.settings import ModelsSettings, Settings
from realtime.weights import (
    WeightFile,
    how_to_get,
    make_once,
    prepare_once,
    read_weights,
    source_of,
    verified_path,
)

DATA = b"weights"
FILE = WeightFile("bell", "bell.onnx", hashlib.sha256(DATA).hexdigest())
PACKAGED = WeightFile("bell", "none.py", None, ("realtime/errors.py", "realtime/speech/line.py"))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(models=ModelsSettings(path=tmp_path / "models"))


def bring(settings: Settings, data: bytes) -> None:
    path = FILE.path_in(settings.models.path)
    path.parent.mkdir(parents=True)
    path.write_bytes(data)


def test_what_people_bring_comes_first(settings: Settings) -> None:
    bring(settings, DATA)
    assert read_weights(FILE, settings) == DATA
    assert source_of(FILE, settings) == str(FILE.path_in(settings.models.path))


def test_a_file_with_another_digest_is_refused(settings: Settings) -> None:
    bring(settings, b"something else")
    with pytest.raises(WeightsMissing, match="not the expected file"):
        read_weights(FILE, settings)


def test_parts_of_packages_are_joined(settings: Settings) -> None:
    joined = b"".join(Path(part).read_bytes() for part in PACKAGED.packaged)
    assert read_weights(PACKAGED, settings) == joined
    assert source_of(PACKAGED, settings) == "package realtime"


def test_one_missing_part_is_a_missing_file(settings: Settings) -> None:
    file = replace(PACKAGED, packaged=("realtime/errors.py", "no_such_package/part.bin"))
    assert source_of(file, settings) is None
    with pytest.raises(WeightsMissing):
        read_weights(file, settings)


def test_a_missing_file_says_which_where_and_how(settings: Settings) -> None:
    with pytest.raises(WeightsMissing) as missing:
        read_weights(FILE, settings)
    assert "bell.onnx" in missing.value.message
    assert str(FILE.path_in(settings.models.path)) in missing.value.message
    assert missing.value.hint and "Put it at" in missing.value.hint
    assert missing.value.retry_after is None


@pytest.fixture
def hub() -> Iterator[str]:
    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(DATA if self.path == "/good" else b"forged")

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_hub_is_asked_only_when_allowed(settings: Settings, hub: str) -> None:
    file = replace(FILE, hub=f"{hub}/good")
    assert "allow_downloads" in how_to_get(file, settings)
    with pytest.raises(WeightsMissing):
        read_weights(file, settings)
    assert read_weights(file, replace(settings, allow_downloads=True)) == DATA
    assert read_weights(file, settings) == DATA, "what was fetched stays"


def test_a_forged_download_gets_no_name(settings: Settings, hub: str) -> None:
    file = replace(FILE, hub=f"{hub}/forged")
    with pytest.raises(WeightsMissing, match="not the expected file"):
        read_weights(file, replace(settings, allow_downloads=True))
    assert not file.path_in(settings.models.path).exists()


def _make(path: Path, log: Path, gate: Event) -> None:
    gate.wait(30)

    def make() -> bytes:
        with log.open("a") as file:
            file.write("made\n")
        return DATA * 1000

    assert make_once(path, make).read_bytes() == DATA * 1000


def test_two_processes_make_a_file_once(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    path, log, gate = tmp_path / "made" / "file.bin", tmp_path / "log", spawn.Barrier(2)
    makers = [spawn.Process(target=_make, args=(path, log, gate)) for _ in range(2)]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join(60)
    assert [maker.exitcode for maker in makers] == [0, 0]
    assert log.read_text() == "made\n"


def test_a_failure_leaves_no_file(tmp_path: Path) -> None:
    def make() -> bytes:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        make_once(tmp_path / "file.bin", make)
    assert not (tmp_path / "file.bin").exists()


def test_a_newer_form_takes_the_place_of_an_older_one(settings: Settings) -> None:
    older = prepare_once(FILE, 1, lambda: b"older", settings)
    mine = older.with_name("mine.onnx")
    mine.write_bytes(b"brought by people")
    newer = prepare_once(FILE, 2, lambda: b"newer", settings)
    assert newer.read_bytes() == b"newer"
    assert prepare_once(FILE, 2, lambda: b"again", settings).read_bytes() == b"newer"
    left = {path.name for path in newer.parent.iterdir() if not path.name.endswith(".lock")}
    assert left == {newer.name, "mine.onnx"}


def test_the_first_digits_are_enough_where_no_more_is_published(settings: Settings) -> None:
    bring(settings, DATA)
    assert FILE.sha256 is not None
    assert read_weights(replace(FILE, sha256=FILE.sha256[:8]), settings) == DATA
    assert verified_path(replace(FILE, sha256=FILE.sha256[:8]), settings).read_bytes() == DATA
    with pytest.raises(WeightsMissing, match="not the expected file"):
        verified_path(replace(FILE, sha256="0" * 8), settings)


def test_a_missing_place_is_a_missing_file(settings: Settings) -> None:
    with pytest.raises(WeightsMissing, match="bell.onnx"):
        verified_path(FILE, settings)


def test_who_publishes_a_file_is_told(settings: Settings) -> None:
    assert "from the bell founders" in how_to_get(
        replace(FILE, origin="from the bell founders"), settings
    )
