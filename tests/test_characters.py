"""Tests of the characters of a folder, which may change, and of the shipped ones."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from realtime.characters import Characters, KokoroVoice
from realtime.errors import BadRequest, NotFound
from realtime.settings import Settings
from tests.support.character_files import (
    FakeClock,
    characters_in,
    random_style,
    save_card,
    save_voice,
    set_changed,
)
from tests.support.concurrent_threads import run_in_threads

ROOT = Path(__file__).resolve().parent.parent
OPENAI = "alloy ash ballad cedar coral echo fable marin nova onyx sage shimmer verse".split()
FEMALE = {"alloy", "coral", "marin", "nova", "sage", "shimmer"}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(scope="module")
def shipped() -> Iterator[Characters]:
    engines = ("gain", "hibari", "kokoro", "tone")
    yield Characters(ROOT / "presets", Settings().default_characters, engines)


def test_nothing_is_read_before_somebody_asks(tmp_path: Path) -> None:
    found = characters_in(tmp_path / "later")
    (tmp_path / "later").mkdir()
    save_voice(tmp_path / "later", "ann")
    assert found.get("ann").name == "ann"


def test_all_are_sorted_by_name(tmp_path: Path) -> None:
    for name in ("b", "a", "C"):
        save_voice(tmp_path, name)
    assert [character.name for character in characters_in(tmp_path).all()] == ["C", "a", "b"]


def test_changes_are_noticed_without_a_restart(tmp_path: Path, clock: FakeClock) -> None:
    save_voice(tmp_path, "ann", style=random_style(1))
    save_voice(tmp_path, "ben", style=random_style(2))
    found = characters_in(tmp_path, clock)
    before = {character.name: character for character in found.all()}

    set_changed(save_voice(tmp_path, "ann", style=random_style(3)), 1)
    save_card(tmp_path, "cleo", "voice: ann")
    clock.now += 1
    assert found.get("ann").digest != before["ann"].digest
    assert found.get("cleo").digest == found.get("ann").digest
    assert found.get("ben").voice is before["ben"].voice, "unchanged and read again"

    (tmp_path / "ben.npz").unlink()
    save_card(tmp_path, "ann", "{display_name: Ann, aliases: [ben]}")
    clock.now += 1
    assert found.get("ben").display_name == "Ann"
    assert [character.name for character in found.all()] == ["ann", "cleo"]


def test_a_broken_file_is_told_and_mended_without_a_restart(
    tmp_path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    whole = save_voice(tmp_path, "ann").read_bytes()
    save_voice(tmp_path, "ben")
    found = characters_in(tmp_path, clock)
    assert not found.broken

    (tmp_path / "ann.npz").write_bytes(whole[: len(whole) // 2])
    clock.now += 1
    assert set(found.broken) == {"ann.npz"}
    assert [character.name for character in found.all()] == ["ben"]
    save_card(tmp_path, "ben", "speed: 2")
    clock.now += 1
    assert found.get("ben").speed == 2
    assert [record.args[0] for record in caplog.records if record.args] == ["ann.npz"]

    (tmp_path / "ann.npz").write_bytes(whole)
    clock.now += 1
    assert found.get("ann") and not found.broken


def test_the_folder_is_read_at_most_once_a_second(tmp_path: Path, clock: FakeClock) -> None:
    save_voice(tmp_path, "ann")
    found = characters_in(tmp_path, clock)
    assert len(found.all()) == 1
    save_voice(tmp_path, "ben")
    clock.now += 0.99
    assert len(found.all()) == 1
    clock.now += 0.01
    assert len(found.all()) == 2
    save_voice(tmp_path, "cleo")
    assert len(found.all()) == 2
    found.refresh()
    assert len(found.all()) == 3


def test_a_folder_that_is_missing_is_told(tmp_path: Path) -> None:
    found = characters_in(tmp_path / "nowhere")
    assert found.all() == []
    assert found.broken == {str(tmp_path / "nowhere"): "there is no such folder"}


def test_each_language_has_its_default(tmp_path: Path) -> None:
    save_voice(tmp_path, "ann")
    found = characters_in(tmp_path)
    assert found.default("en").name == found.default("mix").name == "ann"
    with pytest.raises(NotFound, match="'ben'") as missing:
        found.default("ja")
    assert missing.value.hint and "default_characters.ja" in missing.value.hint
    with pytest.raises(BadRequest, match="'fr'; there are: en, zh, ja, mix"):
        found.default("fr")


def test_a_thread_that_asks_while_another_reads_gets_the_old_characters(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_voice(tmp_path, "ann", style=random_style(1))
    found = characters_in(tmp_path, clock)
    old = found.get("ann")
    set_changed(save_voice(tmp_path, "ann", style=random_style(2)), 1)
    reading, go_on = threading.Event(), threading.Event()
    refresh = found._folder.refresh

    def slow() -> bool:
        reading.set()
        assert go_on.wait(10)
        return refresh()

    monkeypatch.setattr(found._folder, "refresh", slow)
    clock.now += 1
    reader = threading.Thread(target=found.all)
    reader.start()
    assert reading.wait(10)
    assert found.get("ann") is old
    go_on.set()
    reader.join(10)
    assert found.get("ann").digest != old.digest


def test_many_threads_that_ask_first_read_once(tmp_path: Path) -> None:
    save_voice(tmp_path, "ann")
    found = characters_in(tmp_path)
    start = threading.Barrier(8)
    got: list[object] = []

    def ask(_: int) -> None:
        start.wait(10)
        got.append(found.get("ann"))

    run_in_threads(8, ask)
    assert len(got) == 8 and all(character is got[0] for character in got)


def test_the_shipped_ones_all_work(shipped: Characters) -> None:
    assert not shipped.broken
    found = shipped.all()
    assert len(found) >= 20
    assert Counter(character.language for character in found) >= Counter(en=9, zh=6, ja=5)
    for character in found:
        assert isinstance(character.voice, KokoroVoice)
        assert (character.licence, character.engine) == ("Apache-2.0", "kokoro")
        assert character.source and character.description
        assert character.gender in ("female", "male")
    assert len({character.digest for character in found}) == len(found)
    assert len({character.display_name for character in found}) == len(found)


def test_each_shipped_default_speaks_its_language(shipped: Characters) -> None:
    for language in ("en", "zh", "ja"):
        assert shipped.default(language).language == language
    assert shipped.default("mix").name == "af_heart"


def test_only_heart_has_the_fast_engine_and_only_in_english(shipped: Characters) -> None:
    fast = {character.name: dict(character.engines) for character in shipped.all()}
    assert fast.pop("af_heart") == {"en": "hibari"}
    assert not any(fast.values())


@pytest.mark.parametrize("alias", OPENAI)
def test_the_names_of_openai_are_aliases(shipped: Characters, alias: str) -> None:
    character = shipped.get(alias)
    assert alias in character.aliases
    assert character.gender == ("female" if alias in FEMALE else "male")
    assert sum(alias in other.aliases for other in shipped.all()) == 1


def test_the_page_shows_the_shipped_ones_and_reads_as_written(
    shipped: Characters, tmp_path: Path
) -> None:
    page = (ROOT / "docs" / "characters.md").read_text(encoding="utf-8")
    for character in shipped.all():
        assert f"`{character.name}`" in page.partition("## Shipped characters")[2]
    example = page.partition("```yaml\n")[2].partition("```")[0]
    save_card(tmp_path, "dawn", example)
    (tmp_path / "dawn.png").write_bytes(b"")
    for name in ("af_heart", "bf_emma"):
        save_voice(tmp_path, name, style=random_style(len(name)))
    found = characters_in(tmp_path)
    assert not found.broken and found.get("aurora").display_name == "Dawn"
