"""The document of servers elsewhere: its examples work, and its tables have every key."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from realtime import errors
from realtime.characters.remote_voice import OPTIONS, VALUES, RemoteCard, remote_voice
from realtime.characters.yaml_card import read_card
from realtime.configuration import load_settings
from realtime.engines import registry
from realtime.engines.remote.servers import READERS
from realtime.settings import all_settings
from tests.support.remote_world import kinds

TEXT = (Path(__file__).resolve().parent.parent / "docs" / "remote.md").read_text("utf-8")


def example(name: str) -> str:
    found = re.search(rf"<!-- {name} -->\n```yaml\n(.*?)```", TEXT, re.DOTALL)
    assert found, name
    return found[1]


def keys_in(text: str) -> set[str]:
    """Return the names in the first column of the tables."""
    rows = re.findall(r"^\| (`.*?) \|", text, re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`([\w.]+)`", row)}


@pytest.mark.parametrize("kind", VALUES)
def test_the_examples_are_settings_and_a_card_that_fits(kind: str, tmp_path: Path) -> None:
    file = tmp_path / "yamabiko.yaml"
    file.write_text(example(f"settings: {kind}"), "utf-8")
    (server,) = kinds()[kind](load_settings(environ={}, file=file)).find_models()
    card = read_card(example(f"card: {kind}").encode())
    assert isinstance(card.model_voice, RemoteCard) and card.engine == kind
    assert remote_voice(kind, card.model_voice).server == server
    assert kind in registry.ENGINES


def test_the_tables_have_every_key() -> None:
    told = keys_in(TEXT)
    assert set(READERS) <= told
    assert {name for name, _ in VALUES["remote_openai"][0].items()} <= told
    assert set(VALUES["remote_gpt_sovits"][0]) <= told
    assert all(f"`{name}`" in TEXT for name in (*VALUES["remote_voicevox"][0], *OPTIONS))
    own = {each.name for each in all_settings() if each.name.startswith("remote.")}
    assert own == {name for name in told if name.startswith("remote.")}


def test_the_defaults_are_those_of_the_engines() -> None:
    usual = kinds()
    rows = {row[0]: row[1] for row in re.findall(r"^\| `(\w+)` \| (.*?) \|", TEXT, re.MULTILINE)}
    for name, engine in usual.items():
        for key, value in (("lines", engine.usual_lines), ("sample_rate", engine.usual_rate)):
            own = f"`{name}` {value}" in rows[key]
            assert own or rows[key].startswith(f"{value}"), (name, key)


def test_the_errors_are_told() -> None:
    code = {
        match
        for path in (Path("realtime") / "engines" / "remote").glob("*.py")
        for match in re.findall(r'code="(\w+)"', path.read_text("utf-8"))
    }
    assert code and code <= keys_in(TEXT.partition("## Errors")[2])
    assert errors.Busy.default_code in keys_in(TEXT)
