"""The characters of a VOICEVOX engine as cards, one for each style, with their terms of use."""

from __future__ import annotations

import argparse
import re
import sys
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from realtime.characters import valid_name
from realtime.characters.names import MOST_LETTERS
from realtime.characters.yaml_card import MOST_DISPLAYED, MOST_TEXT
from realtime.engines import registry
from realtime.engines.remote.call import RemoteCall
from realtime.engines.remote.upstream import Upstream
from realtime.engines.remote.voicevox import RemoteVoicevox, VoicevoxStyle, terms_of
from realtime.errors import BadRequest, YamabikoError
from realtime.model_id import split_id
from realtime.settings import Settings

USUAL_STYLE = "ノーマル"  # whose name adds nothing to the character's


def add_import_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "model", metavar="remote_voicevox:NAME", help="a server of the setting remote_voicevox"
    )


def import_characters(options: argparse.Namespace, settings: Settings) -> int:
    """Write the cards that are not there yet; a running server finds them by itself."""
    kind, server = split_id(options.model)
    if kind != RemoteVoicevox.name:
        raise BadRequest(
            f"{options.model!r} is no server of VOICEVOX; remote_voicevox:NAME is expected."
        )
    engine = registry.create(kind, settings)
    assert isinstance(engine, RemoteVoicevox), "the registry has it under this name"
    upstream, styles = engine.with_model(server).offered()
    folder, written = settings.presets.path, 0
    try:
        terms = {style.uuid: _terms(upstream, style) for style in styles}
        folder.mkdir(parents=True, exist_ok=True)
        for name, style in _names(styles).items():
            written += _write(folder / f"{name}.yaml", _card(server, style, terms[style.uuid]))
    except OSError as error:
        raise YamabikoError(f"{folder}: {error.strerror or error}.", code="file_error") from error
    finally:
        upstream.close()
    print(f"{written} cards written, {len(styles) - written} were there already", file=sys.stderr)
    return 0


def _write(path: Path, card: dict[str, Any]) -> bool:
    """Write a card unless there is one, which somebody may have changed."""
    try:
        with path.open("x", encoding="utf-8") as file:
            yaml.safe_dump(card, file, allow_unicode=True, sort_keys=False)
    except FileExistsError:
        return False
    print(path)
    return True


def _card(server: str, style: VoicevoxStyle, terms: str) -> dict[str, Any]:
    shown = " ".join(f"{style.speaker} ({style.name})".split())
    return {
        "engine": RemoteVoicevox.name,
        "language": "ja",
        "display_name": shown[:MOST_DISPLAYED],
        "licence": terms,
        "source": "VOICEVOX",
        "voice": {"server": server, "speaker": style.id},
    }


def _terms(upstream: Upstream, style: VoicevoxStyle) -> str:
    """Return the terms of a character in one line; a card must have some."""
    told = terms_of(upstream, style, RemoteCall())
    line = " ".join("".join(c if c.isprintable() else " " for c in told).split())
    if len(line) > MOST_TEXT:
        line = line[: MOST_TEXT - 1] + "…"
    return line or "The engine tells no terms of use; ask those who made the voice."


def _names(styles: Sequence[VoicevoxStyle]) -> dict[str, VoicevoxStyle]:
    """Give each style a name of its own; two that would have the same one get their numbers."""
    found: dict[str, VoicevoxStyle] = {}
    for style in styles:
        name = _name(style)
        found[name if name not in found else f"voicevox-{style.id}"] = style
    return found


def _name(style: VoicevoxStyle) -> str:
    """Make a name of what the engine calls character and style; its number is always one."""
    parts = [style.speaker] if style.name == USUAL_STYLE else [style.speaker, style.name]
    text = unicodedata.normalize("NFC", "-".join(parts))
    name = re.sub(r"[^\w'-]+", "-", text).strip("-")[:MOST_LETTERS]
    return name if valid_name(name) else f"voicevox-{style.id}"
