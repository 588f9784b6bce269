"""Names in an archive are harmless everywhere, and no two are the same."""

from __future__ import annotations

import re
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.web.answers.archive_names import MOST_BYTES, ArchiveNames, safe_stem


@pytest.mark.parametrize(
    "name, stem",
    [
        ("hello.wav", "hello"),
        ("a.b.c", "a.b"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\x\\y.mp3", "y"),
        ("c:x.wav", "c_x"),
        ("山びこ.wav", "山びこ"),
        ("-rf.wav", "_-rf"),
        ("nul.tar.gz", "_nul.tar"),
        ("console.wav", "console"),
        ("a\u202egpj.exe", "a_gpj"),
        ("a\x00\nb", "a__b"),
        ("", "recording"),
        ("..", "recording"),
        (" . .wav", "recording"),
        ("/", "recording"),
        (".hidden", "hidden"),
    ],
)
def test_a_name_is_made_safe(name: str, stem: str) -> None:
    assert safe_stem(name) == stem


def test_the_same_name_gets_a_number_whatever_its_case() -> None:
    names = ArchiveNames(".ogg")
    found = [names.name_for(name) for name in ("a.wav", "A.mp3", "a-2.wav", "b", "a")]
    assert found == ["a.ogg", "A-2.ogg", "a-2-2.ogg", "b.ogg", "a-3.ogg"]


@given(st.lists(st.text(max_size=300), max_size=6))
def test_no_name_leads_anywhere_else(uploads: list[str]) -> None:
    names = ArchiveNames(".wav")
    found = [names.name_for(name) for name in uploads]
    assert len({name.casefold() for name in found}) == len(found)
    for name in found:
        assert PurePosixPath(name).name == PureWindowsPath(name).name == name
        assert not re.search(r'[\x00-\x1f\x7f<>:"|?*/\\]', name)
        assert len(name.encode()) <= MOST_BYTES + len("_-9.wav")
