"""Tests of the facts that a server told of itself."""

from __future__ import annotations

from pathlib import Path

from realtime.engines.remote.told_facts import MOST_BYTES, ToldFacts


def test_facts_are_kept_for_the_next_start(tmp_path: Path) -> None:
    facts = ToldFacts(tmp_path, "remote_voicevox:home")
    assert facts.text == ""
    facts.keep("engine=1")
    assert facts.text == "engine=1"
    assert ToldFacts(tmp_path, "remote_voicevox:home").text == "engine=1"
    assert ToldFacts(tmp_path, "remote_voicevox:other").text == ""


def test_a_file_that_is_wrong_tells_nothing(tmp_path: Path) -> None:
    ToldFacts(tmp_path, "x").keep("engine=1")
    (file,) = (tmp_path / ".remote").iterdir()
    for content in (b"\xff\xfe", b"a\0b", b"x" * MOST_BYTES + b"\0"):
        file.write_bytes(content)
        assert len(ToldFacts(tmp_path, "x").text) in (0, MOST_BYTES)


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / ".remote").write_text("a file")
    facts = ToldFacts(tmp_path, "x")
    facts.keep("engine=1")
    assert facts.text == "engine=1"
