"""The command `character import`: cards of a VOICEVOX engine's styles, with their terms of use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from realtime.characters import Characters
from realtime.characters.remote_voice import RemoteVoice
from realtime.cli.commands import parse_arguments
from realtime.cli.import_characters import import_characters
from realtime.errors import BadRequest, Unavailable
from realtime.settings import CacheSettings, Settings
from tests.support.remote_world import RemoteWorld, remote_world, with_server


@pytest.fixture
def world(tmp_path: Path) -> Iterator[RemoteWorld]:
    settings = Settings(cache=CacheSettings(path=tmp_path / "cache"))
    with remote_world("remote_voicevox", settings, tmp_path / "presets") as world:
        yield world


def run(settings: Settings, model: str = "remote_voicevox:home") -> int:
    return import_characters(parse_arguments(["character", "import", model]), settings)


def test_each_style_that_speaks_becomes_a_character_with_its_terms(
    world: RemoteWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(world.settings) == 0
    known = Characters(world.settings.presets.path, {})
    assert not known.broken
    found = {each.name: each for each in known.all() if each.name != "faraway"}
    assert set(found) == {"四国めたん", "四国めたん-あまあま", "ずんだもん"}, "none that sings"
    sweet = found["四国めたん-あまあま"]
    assert sweet.model == "remote_voicevox:home" and sweet.language == "ja"
    assert sweet.display_name == "四国めたん (あまあま)"
    assert "Credit is needed: VOICEVOX:四国めたん." in sweet.licence
    assert isinstance(sweet.voice, RemoteVoice) and sweet.voice.values["speaker"] == 0
    assert "3 cards written" in capsys.readouterr().err


def test_a_card_that_is_there_stays_as_it_is(
    world: RemoteWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    run(world.settings)
    card = world.settings.presets.path / "ずんだもん.yaml"
    card.write_text("changed: by somebody")
    assert run(world.settings) == 0
    assert card.read_text() == "changed: by somebody"
    assert "0 cards written, 3 were there already" in capsys.readouterr().err


def test_terms_are_one_line_of_bounded_length(
    world: RemoteWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    for policy, shown in (("a\nb" * 2_000, "a ba b"), ("", "The engine tells no terms of use")):
        monkeypatch.setattr("tests.support.remote_voicevox.POLICY", policy)
        for file in world.settings.presets.path.glob("*.yaml"):
            file.unlink()
        run(world.settings)
        known = Characters(world.settings.presets.path, {})
        assert not known.broken and len(known.all()) == 3
        assert all(each.licence.startswith(shown) for each in known.all())


def test_another_engine_is_refused_and_one_that_is_away_is_told(
    world: RemoteWorld, free_port: int
) -> None:
    with pytest.raises(BadRequest, match="remote_voicevox:NAME is expected"):
        run(world.settings, "kokoro")
    with pytest.raises(BadRequest, match="has no model 'other'; there are: home"):
        run(world.settings, "remote_voicevox:other")
    away = with_server(world.settings, "remote_voicevox", f"http://127.0.0.1:{free_port}")
    with pytest.raises(Unavailable, match="cannot be reached"):
        run(away)
