"""The command `check` on servers elsewhere: whether they answer, and what characters lack."""

from __future__ import annotations

from pathlib import Path

import pytest

from realtime.cli.check_facts import Installation, report_engines
from realtime.cli.check_problems import Problem, engine_problems, voice_problems
from realtime.engines.obstacles import find_obstacles
from realtime.settings import CacheSettings, ModelsSettings, Settings
from tests.support.remote_world import RemoteWorld, remote_world, with_server


@pytest.fixture
def own(tmp_path: Path) -> Settings:
    models = ModelsSettings(path=tmp_path / "models")
    return Settings(cache=CacheSettings(path=tmp_path / "cache"), models=models)


def problems(settings: Settings) -> list[Problem]:
    installation = Installation.of(settings)
    reports = [each for each in report_engines(installation) if each.name.startswith("remote")]
    return [*engine_problems(reports, {}, installation), *voice_problems(installation)]


def test_servers_that_answer_and_have_what_is_asked_are_no_problem(
    own: Settings, tmp_path: Path
) -> None:
    for kind in ("remote_openai", "remote_gpt_sovits", "remote_voicevox"):
        with remote_world(kind, own, tmp_path / kind) as world:
            assert problems(world.settings) == []
            (home,) = (
                each
                for each in report_engines(Installation.of(world.settings))
                if each.name == f"{kind}:home"
            )
            assert home.can_run and home.kind == "speak"


def test_a_server_that_is_away_is_named_with_its_characters(
    own: Settings, tmp_path: Path, free_port: int
) -> None:
    with remote_world("remote_openai", own, tmp_path / "presets") as world:
        url = f"http://127.0.0.1:{free_port}"
        (away,) = problems(with_server(world.settings, "remote_openai", url))
    assert away.code == "server_fails" and not away.stops
    assert "remote_openai:home, the voice of faraway, cannot run" in away.message
    assert "cannot be reached" in away.message


def test_a_server_that_hangs_is_given_up_soon(
    own: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("realtime.engines.remote.engine.CHECK_SECONDS", 0.2)
    with remote_world("remote_gpt_sovits", own, tmp_path / "presets") as world:
        world.stand_in.doors = lambda stand_in, handler: bool(stand_in.ended.wait(30)) or True
        (away,) = problems(world.settings)
        world.stand_in.ended.set()
    assert "did not answer within 0.2 s" in away.message


def lacking(world: RemoteWorld) -> str:
    (problem,) = problems(world.settings)
    assert problem.code == "voice_missing" and not problem.stops
    return problem.message


@pytest.mark.parametrize(
    ("kind", "voice", "said"),
    [
        ("remote_openai", {"voice": "nobody"}, "the voice 'nobody'; it has: alloy, nova, shimmer"),
        ("remote_voicevox", {"speaker": 99}, "the style 99; it has: 2 (四国めたん ノーマル)"),
        ("remote_openai", {"server": "other"}, "the server 'other', which no setting names"),
    ],
)
def test_a_voice_that_a_server_lacks_is_named(
    own: Settings, tmp_path: Path, kind: str, voice: dict[str, object], said: str
) -> None:
    with remote_world(kind, own, tmp_path / "presets") as world:
        world.add_character("nana", **voice)
        assert f"The character nana asks {kind} for {said}" in lacking(world)


def test_a_character_without_any_server_is_named(own: Settings, tmp_path: Path) -> None:
    with remote_world("remote_openai", own, tmp_path / "presets") as world:
        empty = Settings(cache=own.cache, models=own.models, presets=world.settings.presets)
        found = [each.message for each in problems(empty) if each.code == "voice_missing"]
    assert found == [
        "The character faraway asks remote_openai for the server 'home', which no setting names."
    ]


def test_the_list_of_models_asks_no_server(own: Settings, tmp_path: Path) -> None:
    with remote_world("remote_openai", own, tmp_path / "presets") as world:
        assert find_obstacles(world.engine(), world.settings) == []
        assert not world.stand_in.asked
