"""Tests of the command `key`: keys are made, listed, changed and forgotten."""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path

import pytest

import server
from realtime.access.keys import load_keys
from realtime.cli.commands import parse_arguments
from realtime.cli.keys import key
from realtime.settings import Settings
from tests.support.signed_requests import SECRET

BOT = f"bot:{SECRET}"


def run(settings: Settings, *arguments: str) -> None:
    assert key(parse_arguments(list(arguments)), settings) == 0


Output = pytest.CaptureFixture[str]


def test_new_shows_the_key_once_and_says_the_rest_aside(
    own_settings: Settings, capsys: Output
) -> None:
    run(own_settings, "key", "new", "bot")
    shown = capsys.readouterr()
    (whole,) = shown.out.splitlines()
    assert load_keys(own_settings.auth.keys_path).verify(whole) == "bot"
    secret = whole.partition(":")[2]
    assert secret not in shown.err
    for words in (str(own_settings.auth.keys_path), "docs/signing.md", "Bearer", "restart"):
        assert words in shown.err
    assert stat.S_IMODE(own_settings.auth.keys_path.stat().st_mode) == 0o600


def test_a_rotation_from_the_command_line(own_settings: Settings, capsys: Output) -> None:
    run(own_settings, "key", "new", "bot")
    run(own_settings, "key", "new", "bot")
    shown = capsys.readouterr()
    old, new = shown.out.splitlines()
    assert "python server.py key rm bot --old" in shown.err
    run(own_settings, "key", "ls")
    listed = capsys.readouterr().out
    assert listed.split("  ")[:2] == ["bot", "2 secrets"]
    assert old.partition(":")[2] not in listed and new.partition(":")[2] not in listed
    run(own_settings, "key", "rm", "bot", "--old")
    assert "1 secret of bot removed" in capsys.readouterr().out
    assert load_keys(own_settings.auth.keys_path).verify(new) == "bot"
    run(own_settings, "key", "rm", "bot")
    assert not load_keys(own_settings.auth.keys_path)


def test_ls_tells_where_each_key_stands(own_settings: Settings, capsys: Output) -> None:
    run(own_settings, "key", "new", "page")
    capsys.readouterr()
    run(replace(own_settings, keys=(BOT,)), "key", "ls")
    assert capsys.readouterr().out.splitlines() == [
        f"page  1 secret  operator  {own_settings.auth.keys_path}",
        "bot  1 secret  operator  keys",
    ]


def test_a_key_is_a_listener_until_its_role_is_changed(
    own_settings: Settings, capsys: Output
) -> None:
    path = own_settings.auth.keys_path
    run(own_settings, "key", "new", "guest", "--role", "listener")
    assert "as listener" in capsys.readouterr().err
    run(own_settings, "key", "ls")
    assert capsys.readouterr().out == f"guest  1 secret  listener  {path}\n"
    run(own_settings, "key", "role", "guest", "operator")
    shown = capsys.readouterr()
    assert shown.out == "guest is operator\n" and "restart" in shown.err
    assert load_keys(path).role("guest") == "operator"


def test_another_role_is_no_argument(own_settings: Settings, capsys: Output) -> None:
    with pytest.raises(SystemExit):
        run(own_settings, "key", "new", "guest", "--role", "admin")
    assert "listener" in capsys.readouterr().err
    assert not own_settings.auth.keys_path.exists()


def test_wrong_keys_are_told_in_two_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    path = tmp_path / "keys.yaml"
    path.write_text(f"{SECRET}: bot\n")
    monkeypatch.setenv("YAMABIKO_AUTH__KEYS_PATH", str(path))
    assert server.main(["key", "ls"]) == 1
    told = capsys.readouterr().err
    assert len(told.splitlines()) == 2
    assert str(path) in told and SECRET not in told
