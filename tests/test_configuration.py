"""Tests of reading the settings: their order, and the refusal of wrong ones."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import server
from realtime.configuration import SPINS, load_settings, load_with_sources, set_for_library
from realtime.errors import SettingsError
from realtime.settings import Settings


def test_defaults_need_neither_file_nor_environment() -> None:
    assert load_settings(environ={}) == Settings()


def test_option_wins_over_environment_over_file(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text("port: 1\nhost: 127.0.0.9\nlimits: {text: 7, long_text: 8}\n")
    found = load_settings({"port": 3}, {"YAMABIKO_PORT": "2", "YAMABIKO_LIMITS__TEXT": "9"}, file)
    assert (found.port, found.host) == (3, "127.0.0.9")
    assert (found.limits.text, found.limits.long_text) == (9, 8)


def test_each_setting_tells_where_it_comes_from(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text("port: 1\nhost: 127.0.0.9\nlimits: {text: 7}\n")
    found = load_with_sources(
        {"port": 3, "log.level": "DEBUG"}, {"YAMABIKO_LIMITS__TEXT": "9"}, file
    )
    assert found.settings.port == 3
    assert found.sources == {
        "port": "--port",
        "log.level": "--log-level",
        "host": str(file),
        "limits.text": "YAMABIKO_LIMITS__TEXT",
    }


def test_environment_texts_become_lists_mappings_and_booleans() -> None:
    found = load_settings(
        environ={
            "YAMABIKO_HOSTS": "voice.example, localhost",
            "YAMABIKO_ALLOW_DOWNLOADS": "off",
            "YAMABIKO_DEFAULT_CHARACTERS": "zh=zm_yunxi",
        }
    )
    assert found.hosts == ("voice.example", "localhost")
    assert found.allow_downloads is False
    assert found.default_characters["zh"] == "zm_yunxi"
    assert found.default_characters["en"] == "af_heart"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("auto", ("auto",)),
        ("off", ("off",)),  # which YAML reads as false
        ("'off'", ("off",)),
        ("[kokoro, world]", ("kokoro", "world")),
        ("[]", ()),
    ],
)
def test_a_word_may_stand_for_a_list(tmp_path: Path, text: str, expected: tuple[str, ...]) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(f"warm: {text}\n")
    assert load_settings(environ={}, file=file).warm == expected
    if text.isalpha():
        assert load_settings(environ={"YAMABIKO_WARM": text}).warm == expected


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"YAMABIKO_PRT": "1"}, ["YAMABIKO_PRT", "YAMABIKO_PORT"]),
        ({"YAMABIKO_PORT": "many"}, ["port", "'many'", "0 to 65535"]),
        ({"YAMABIKO_PORT": "65536"}, ["port", "65536"]),
        ({"YAMABIKO_ALLOW_DOWNLOADS": "2"}, ["allow_downloads", "true or false"]),
        ({"YAMABIKO_SHUTDOWN_SECONDS": "nan"}, ["shutdown_seconds", "nan"]),
        ({"YAMABIKO_LOG__LEVEL": "LOUD"}, ["log.level", "DEBUG, INFO"]),
        ({"YAMABIKO_DEFAULT_CHARACTERS": "fr=x"}, ["default_characters", "en, zh, ja, mix"]),
    ],
)
def test_what_is_wrong_is_refused_with_key_value_and_what_is_allowed(
    environ: dict[str, str], words: list[str]
) -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings(environ=environ)
    for word in words:
        assert word in refused.value.message


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("prot: 1", "'prot'"),
        ("limits: {txt: 1}", "'limits.txt'"),
        ("port: '8000'", "whole number"),
        ("port: true", "whole number"),
        ("warm: true", "one of auto, off, or a list of texts"),
        ("warm: sometimes", "'sometimes'"),
        ("warm: [auto, kokoro]", "one of auto, off, or a list"),
        ("limits: 5", "'limits'"),
        ("[1, 2]", "names and values"),
        ("a: [", "not valid YAML"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, text: str, word: str) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(text)
    with pytest.raises(SettingsError, match=word.replace("[", "\\[")):
        load_settings(environ={}, file=file)


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings(environ={}, file=tmp_path / "none.yaml")


def test_what_a_library_reads_is_set_where_nobody_chose(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOME_LIBRARY_DIR", raising=False)
    monkeypatch.setenv("SOME_LIBRARY_DIR", "the library's own")
    assert set_for_library("SOME_LIBRARY_DIR", "ours", instead_of="the library's own") == "ours"
    assert set_for_library("SOME_LIBRARY_DIR", "another", instead_of="the library's own") == "ours"
    monkeypatch.setenv("SOME_LIBRARY_DIR", "the user's")
    assert set_for_library("SOME_LIBRARY_DIR", "ours") == "the user's"
    monkeypatch.delenv("SOME_LIBRARY_DIR")
    assert set_for_library("SOME_LIBRARY_DIR", "ours", instead_of="the library's own") == "ours"
    monkeypatch.delenv("SOME_LIBRARY_DIR")
    assert set_for_library("SOME_LIBRARY_DIR", "ours") == "ours"


def test_the_command_line_shares_its_cores(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(SPINS)  # conftest.py has set it for the tests
    with pytest.raises(SystemExit):
        server.main(["--help"])
    assert int(os.environ[SPINS]) < 10_000
    monkeypatch.setenv(SPINS, "7")
    with pytest.raises(SystemExit):
        server.main(["--help"])
    assert os.environ[SPINS] == "7"
    assert "usage" in capsys.readouterr().out
