"""Where keys are kept and how they are shown; no message ever has a secret in it."""

from __future__ import annotations

import multiprocessing
import os
import stat
import traceback
from pathlib import Path

import pytest

from realtime.access import Keys
from realtime.access.keys import add, load, others_may_read, remove
from realtime.access.signatures import SaltedSigner
from realtime.errors import Refused, SettingsError
from tests.support.signed_requests import FOREIGN, KEYS, OLDER, SECRET, answer


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys.yaml"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def told(error: BaseException) -> str:
    """All that a log could show of an error."""
    shown = "".join(traceback.format_exception(error))
    return f"{shown} {getattr(error, 'hint', '')} {getattr(error, 'field', '')}"


def test_a_new_key_is_shown_whole_and_works(path: Path) -> None:
    whole = add(path, "bot")
    key_id, _, secret = whole.partition(":")
    assert key_id == "bot" and len(secret) == 43
    assert load(path).id_of(whole) == "bot"
    assert (
        load(path)
        .seal("bot", "request")
        .verifies(b"a", SaltedSigner([secret], "request").sign(b"a"))
    )


def test_the_file_is_the_owners_alone_from_the_first_moment(path: Path) -> None:
    before = os.umask(0)
    try:
        add(path, "bot")
    finally:
        os.umask(before)
    assert mode(path) == 0o600
    assert not others_may_read(path)
    path.chmod(0o644)
    assert others_may_read(path)
    add(path, "page")
    assert mode(path) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_nobody_reads_a_file_that_is_not_there(path: Path) -> None:
    assert not others_may_read(path)
    assert not load(path)
    assert load(None).ids == ()


def test_rotation_from_the_first_key_to_the_last(path: Path) -> None:
    first, second = add(path, "bot"), add(path, "bot")
    assert load(path).count("bot") == 2
    assert [load(path).id_of(whole) for whole in (first, second)] == ["bot", "bot"]
    assert remove(path, "bot", only_old=True) == 1
    assert load(path).id_of(second) == "bot"
    assert answer(load(path).id_of, first) == "bad_signature"
    assert remove(path, "bot", only_old=True) == 0
    assert remove(path, "bot") == 1
    assert load(path).ids == ()
    assert answer(load(path).id_of, second) == "unknown_key"


def test_other_keys_stay_as_they_are(path: Path) -> None:
    whole = {key_id: add(path, key_id) for key_id in ("page", "bot", "no", "123", "null", "-")}
    remove(path, "bot")
    del whole["bot"]
    assert sorted(load(path).ids) == sorted(whole)
    assert all(load(path).id_of(each) == key_id for key_id, each in whole.items())


def test_listed_keys_are_newer_than_those_of_the_file(path: Path) -> None:
    path.write_text(f"bot: [{OLDER}]\n")
    keys = load(path, [f"bot:{SECRET}", f"page:{OLDER}"])
    assert keys.ids == ("bot", "page") and keys.count("bot") == 2
    assert keys.seal("bot", "request").sign(b"a") == SaltedSigner([SECRET], "request").sign(b"a")


def test_one_secret_needs_no_list(path: Path) -> None:
    path.write_text(f"bot: {SECRET}\n")
    assert load(path).id_of(f"bot:{SECRET}") == "bot"


def test_writers_at_the_same_time_lose_nothing(path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    names = [f"bot-{number}" for number in range(4)]
    writers = [context.Process(target=add, args=(path, name)) for name in names]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert sorted(load(path).ids) == names


def test_what_a_killed_writer_left_stops_nobody(path: Path) -> None:
    path.with_name("keys.yaml.part").write_text("half")
    add(path, "bot")
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
    "a whole key": f"bot: ['bot:{SECRET}']",
}


@pytest.mark.parametrize("content", FILES.values(), ids=FILES.keys())
def test_a_wrong_file_is_refused_without_its_secrets(path: Path, content: str) -> None:
    path.write_text(content)
    for use in (lambda: load(path), lambda: add(path, "bot"), lambda: remove(path, "bot")):
        with pytest.raises(SettingsError) as caught:
            use()
        assert str(path) in caught.value.message
        assert SECRET[:-1] not in told(caught.value)
    assert path.read_text() == content


@pytest.mark.parametrize("content", ["", "# nothing yet\n", "{}"])
def test_an_empty_file_holds_no_keys(path: Path, content: str) -> None:
    path.write_text(content)
    assert not load(path)


def test_bytes_that_are_no_text_are_refused(path: Path) -> None:
    path.write_bytes(b"bot: [\xff\xfe]")
    with pytest.raises(SettingsError):
        load(path)


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
        load(None, [f"page:{OLDER}", listed])
    assert "Key 2 of the setting keys" in caught.value.message
    assert SECRET not in told(caught.value) and OLDER not in told(caught.value)


@pytest.mark.parametrize("key_id", ["", "a b", f"bot:{SECRET}", "a" * 65, "ключ", "bot\n", "a/b"])
def test_what_cannot_be_an_id_is_not_written(path: Path, key_id: str) -> None:
    with pytest.raises(SettingsError) as caught:
        add(path, key_id)
    assert SECRET not in told(caught.value)
    assert not path.exists()


def test_removing_what_is_not_there_tells_what_is(path: Path) -> None:
    add(path, "page")
    with pytest.raises(SettingsError) as caught:
        remove(path, f"bot:{SECRET}")
    assert "page" in caught.value.message
    assert SECRET not in told(caught.value)


@pytest.mark.parametrize("missing", ["folder/keys.yaml", "keys.yaml"])
def test_what_cannot_be_read_or_written_is_told(tmp_path: Path, missing: str) -> None:
    path = tmp_path / missing
    if path.parent == tmp_path:
        path.mkdir()
    with pytest.raises(SettingsError) as caught:
        add(path, "bot")
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
    assert answer(Keys(KEYS).id_of, whole) == expected


@pytest.mark.parametrize("whole", [each for each, expected in SHOWN.items() if expected != "ok"])
def test_a_refusal_has_no_secret_in_it(whole: str) -> None:
    with pytest.raises(Refused) as caught:
        Keys(KEYS).id_of(whole)
    for secret in (SECRET, OLDER, FOREIGN, SECRET[:-1]):
        assert secret not in f"{caught.value.message} {caught.value.hint}"


def test_keys_do_not_show_their_secrets() -> None:
    keys = Keys(KEYS)
    shown = f"{keys} {keys!r} {keys.seal('bot', 'request')!r} {keys.ids}"
    assert SECRET not in shown and OLDER not in shown
