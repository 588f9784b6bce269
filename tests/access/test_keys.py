"""The file of the keys, and messages that never hold a secret."""

from __future__ import annotations

import multiprocessing
import os
import stat
import traceback
from pathlib import Path

import pytest

from realtime.access import Keys
from realtime.access.keys import (
    add_secret,
    load_keys,
    others_may_read,
    remove_secrets,
    set_role,
)
from realtime.access.signatures import SaltedSigner
from realtime.errors import Refused, SettingsError
from tests.support.signed_requests import FOREIGN, KEYS, OLDER, SECRET, outcome


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys.yaml"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def logged_text(error: BaseException) -> str:
    """Return all that a log could show of an error."""
    shown = "".join(traceback.format_exception(error))
    return f"{shown} {getattr(error, 'hint', '')} {getattr(error, 'field', '')}"


def test_a_new_key_is_shown_whole_and_works(path: Path) -> None:
    whole = add_secret(path, "bot")
    key_id, _, secret = whole.partition(":")
    assert key_id == "bot" and len(secret) == 43
    assert load_keys(path).verify(whole) == "bot"
    assert (
        load_keys(path)
        .signer("bot", "request")
        .verify(b"a", SaltedSigner([secret], "request").sign(b"a"))
    )


def test_the_file_is_the_owners_alone_from_the_first_moment(path: Path) -> None:
    before = os.umask(0)
    try:
        add_secret(path, "bot")
    finally:
        os.umask(before)
    assert mode(path) == 0o600
    assert not others_may_read(path)
    path.chmod(0o644)
    assert others_may_read(path)
    add_secret(path, "page")
    assert mode(path) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_nobody_reads_a_file_that_is_not_there(path: Path) -> None:
    assert not others_may_read(path)
    assert not load_keys(path)
    assert load_keys(None).ids == ()


def test_rotation_from_the_first_key_to_the_last(path: Path) -> None:
    first, second = add_secret(path, "bot"), add_secret(path, "bot")
    assert load_keys(path).count("bot") == 2
    assert [load_keys(path).verify(whole) for whole in (first, second)] == ["bot", "bot"]
    assert remove_secrets(path, "bot", only_old=True) == 1
    assert load_keys(path).verify(second) == "bot"
    assert outcome(load_keys(path).verify, first) == "bad_signature"
    assert remove_secrets(path, "bot", only_old=True) == 0
    assert remove_secrets(path, "bot") == 1
    assert load_keys(path).ids == ()
    assert outcome(load_keys(path).verify, second) == "unknown_key"


def test_other_keys_stay_as_they_are(path: Path) -> None:
    whole = {
        key_id: add_secret(path, key_id) for key_id in ("page", "bot", "no", "123", "null", "-")
    }
    remove_secrets(path, "bot")
    del whole["bot"]
    assert sorted(load_keys(path).ids) == sorted(whole)
    assert all(load_keys(path).verify(each) == key_id for key_id, each in whole.items())


def test_listed_keys_are_newer_than_those_of_the_file(path: Path) -> None:
    path.write_text(f"bot: [{OLDER}]\n")
    keys = load_keys(path, [f"bot:{SECRET}", f"page:{OLDER}"])
    assert keys.ids == ("bot", "page") and keys.count("bot") == 2
    assert keys.signer("bot", "request").sign(b"a") == SaltedSigner([SECRET], "request").sign(b"a")


def test_one_secret_needs_no_list(path: Path) -> None:
    path.write_text(f"bot: {SECRET}\n")
    assert load_keys(path).verify(f"bot:{SECRET}") == "bot"


def test_a_key_without_a_role_is_an_operator(path: Path) -> None:
    path.write_text(f"bot: [{OLDER}]\n")
    add_secret(path, "page")
    keys = load_keys(path)
    assert (keys.role("bot"), keys.role("page")) == ("operator", "operator")
    assert "role" not in path.read_text()


def test_a_role_stays_until_another_is_given(path: Path) -> None:
    first = add_secret(path, "guest", "listener")
    second = add_secret(path, "guest")
    keys = load_keys(path)
    assert keys.role("guest") == "listener" and keys.count("guest") == 2
    assert keys.verify(first) == keys.verify(second) == "guest"
    remove_secrets(path, "guest", only_old=True)
    assert load_keys(path).role("guest") == "listener"
    set_role(path, "guest", "operator")
    assert load_keys(path).role("guest") == "operator"
    add_secret(path, "guest", "listener")
    assert load_keys(path).role("guest") == "listener"
    remove_secrets(path, "guest")
    add_secret(path, "guest")
    assert load_keys(path).role("guest") == "operator"


def test_a_key_that_is_not_there_gets_no_role(path: Path) -> None:
    add_secret(path, "bot")
    with pytest.raises(SettingsError, match="there are: bot"):
        set_role(path, "guest", "listener")


def test_a_listed_key_may_say_its_role(path: Path) -> None:
    add_secret(path, "guest", "listener")
    add_secret(path, "bot")
    keys = load_keys(path, [f"guest:{SECRET}", f"bot:{SECRET}:listener", f"page:{OLDER}"])
    roles = {key_id: keys.role(key_id) for key_id in keys.ids}
    assert roles == {"guest": "listener", "bot": "listener", "page": "operator"}
    assert keys.verify(f"bot:{SECRET}") == "bot"


def test_writers_at_the_same_time_lose_nothing(path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    names = [f"bot-{number}" for number in range(4)]
    writers = [context.Process(target=add_secret, args=(path, name)) for name in names]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert sorted(load_keys(path).ids) == names


def test_what_a_killed_writer_left_stops_nobody(path: Path) -> None:
    path.with_name("keys.yaml.part").write_text("half")
    add_secret(path, "bot")
    assert list(path.parent.iterdir()) == [path]


FILES = {
    "no YAML": f"bot: [{SECRET}",
    "a tab": f"\tbot: {SECRET}",
    "a tag": f"bot: !!python/object/apply:os.system [{SECRET}]",
    "a list": f"- bot\n- {SECRET}",
    "a text": SECRET,
    "false": "false",
    "an id that is a number": f"123: [{SECRET}]",
    "an id that is a date": f"2026-01-01: [{SECRET}]",
    "an id with a space": f"'{SECRET} x': [{SECRET}]",
    "id and secret swapped": f"{SECRET}: bot",
    "too short": f"bot: [{SECRET}, {SECRET[:-1]}]",
    "too long": f"bot: [{SECRET}x]",
    "two in one": f"bot: ['{SECRET} {SECRET}']",
    "a number": f"bot: [{SECRET}, 5]",
    "none": "bot: []",
    "null": "bot:",
    "deeper": f"bot: [[{SECRET}]]",
    "a map": f"bot: {{secret: {SECRET}}}",
    "another role": f"bot: {{role: admin, secrets: [{SECRET}]}}",
    "a role that is a list": f"bot: {{role: [listener], secrets: [{SECRET}]}}",
    "a role without secrets": "bot: {role: listener}",
    "secrets without a role": f"bot: {{secrets: [{SECRET}]}}",
    "more than that": f"bot: {{role: listener, secrets: [{SECRET}], more: {SECRET}}}",
    "a whole key": f"bot: ['bot:{SECRET}']",
}


@pytest.mark.parametrize("content", FILES.values(), ids=FILES.keys())
def test_a_wrong_file_is_refused_without_its_secrets(path: Path, content: str) -> None:
    path.write_text(content)
    for use in (
        lambda: load_keys(path),
        lambda: add_secret(path, "bot"),
        lambda: remove_secrets(path, "bot"),
    ):
        with pytest.raises(SettingsError) as caught:
            use()
        assert str(path) in caught.value.message
        assert SECRET[:-1] not in logged_text(caught.value)
    assert path.read_text() == content


@pytest.mark.parametrize("content", ["", "# nothing yet\n", "{}"])
def test_an_empty_file_holds_no_keys(path: Path, content: str) -> None:
    path.write_text(content)
    assert not load_keys(path)


def test_bytes_that_are_no_text_are_refused(path: Path) -> None:
    path.write_bytes(b"bot: [\xff\xfe]")
    with pytest.raises(SettingsError):
        load_keys(path)


@pytest.mark.parametrize(
    "listed",
    [
        SECRET,
        f":{SECRET}",
        f"bot {SECRET}",
        f"{SECRET}:bot",
        f"bot:{SECRET}:x",
        f"bot:{SECRET}=",
        "",
    ],
)
def test_a_wrong_listed_key_is_refused_without_its_secret(listed: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_keys(None, [f"page:{OLDER}", listed])
    assert "Key 2 of the setting keys" in caught.value.message
    assert SECRET not in logged_text(caught.value) and OLDER not in logged_text(caught.value)


@pytest.mark.parametrize("key_id", ["", "a b", f"bot:{SECRET}", "a" * 65, "ключ", "bot\n", "a/b"])
def test_what_cannot_be_an_id_is_not_written(path: Path, key_id: str) -> None:
    with pytest.raises(SettingsError) as caught:
        add_secret(path, key_id)
    assert SECRET not in logged_text(caught.value)
    assert not path.exists()


def test_removing_what_is_not_there_tells_what_is(path: Path) -> None:
    add_secret(path, "page")
    with pytest.raises(SettingsError) as caught:
        remove_secrets(path, f"bot:{SECRET}")
    assert "page" in caught.value.message
    assert SECRET not in logged_text(caught.value)


@pytest.mark.parametrize("missing", ["folder/keys.yaml", "keys.yaml"])
def test_what_cannot_be_read_or_written_is_told(tmp_path: Path, missing: str) -> None:
    path = tmp_path / missing
    if path.parent == tmp_path:
        path.mkdir()
    with pytest.raises(SettingsError) as caught:
        add_secret(path, "bot")
    assert str(path) in caught.value.message


SHOWN = {
    f"bot:{SECRET}": "ok",
    f"bot:{OLDER}": "ok",
    f"bot:{FOREIGN}": "bad_signature",
    f"page:{SECRET}": "bad_signature",
    f"nobody:{SECRET}": "unknown_key",
    f"{SECRET}:{SECRET}": "unknown_key",
    "": "malformed",
    "bot": "malformed",
    SECRET: "malformed",
    f"bot:{SECRET}=": "malformed",
    f"bot:{SECRET} ": "malformed",
    f" bot:{SECRET}": "malformed",
    f"bot:{SECRET}\n": "malformed",
    f"bot:{SECRET[:-1]}": "malformed",
    f"BOT:{SECRET}": "unknown_key",
    f"b:t:{SECRET}": "malformed",
    f"bot:{'あ' * 43}": "malformed",
}


@pytest.mark.parametrize(("whole", "expected"), SHOWN.items())
def test_a_key_that_is_shown_whole(whole: str, expected: str) -> None:
    assert outcome(Keys(KEYS).verify, whole) == expected


@pytest.mark.parametrize("whole", [each for each, expected in SHOWN.items() if expected != "ok"])
def test_a_refusal_has_no_secret_in_it(whole: str) -> None:
    with pytest.raises(Refused) as caught:
        Keys(KEYS).verify(whole)
    for secret in (SECRET, OLDER, FOREIGN, SECRET[:-1]):
        assert secret not in f"{caught.value.message} {caught.value.hint}"


def test_keys_do_not_show_their_secrets() -> None:
    keys = Keys(KEYS)
    shown = f"{keys} {keys!r} {keys.signer('bot', 'request')!r} {keys.ids}"
    assert SECRET not in shown and OLDER not in shown
