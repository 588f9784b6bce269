"""docs/architecture.md is true: floors, files, and how easily a feature is guessed."""

from __future__ import annotations

import re
from pathlib import Path

from tests.test_layers import FLOORS

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
QUESTIONS = 24  # at least
GUESSED = 20 / 24  # of their answers have a word of the question in the file's name


def rows() -> list[tuple[str, str]]:
    """Read the table of features: the question and the file that it names."""
    table = PAGE.partition("<!-- where -->")[2].partition("<!-- /where -->")[0]
    return re.findall(r"^\| (.+?) \| `([\w./]+)` \|$", table, re.MULTILINE)


def stems(text: str) -> set[str]:
    """Return the words of a text without their endings, so that `ranges` is found in `range`."""
    words = re.findall(r"[a-z]{3,}", text.lower())
    return {re.sub(r"(ting|ing|s|ed|or)$", "", word) for word in words} - {"the", "and"}


def test_every_feature_has_its_file_and_its_name_is_guessed() -> None:
    assert len(rows()) >= QUESTIONS
    assert all((ROOT / path).is_file() for _, path in rows())
    guessed = [what for what, path in rows() if stems(what) & stems(Path(path).stem)]
    assert len(guessed) >= GUESSED * len(rows()), {what for what, _ in rows()} - set(guessed)


def test_every_path_that_is_named_is_there() -> None:
    for path in re.findall(r"`((?:realtime|tests|docs|static|tools|models)/[\w./]*)`", PAGE):
        if "NAME" not in path and path != "realtime/web/compat/":
            assert (ROOT / path).exists(), path


def test_the_floors_are_the_floors() -> None:
    told = [re.findall(r"`([\w.]+?)(?:\.py|/)`", cells) for cells in floor_cells()]
    assert [sorted(row) for row in told] == [sorted(row) for row in FLOORS]


def floor_cells() -> list[str]:
    """Read the table of floors: the cell with each floor's rooms."""
    return re.findall(r"^\| \d+ \| (.+?) \|", PAGE, re.MULTILINE)
