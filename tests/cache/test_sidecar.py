"""A sidecar is written and read back; what is none says so."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.cache.sidecar import BadSidecar, FileFacts, read_sidecar
from tests.support.recordings import sidecar_of


def test_it_is_read_back_as_it_was() -> None:
    made = sidecar_of("0" * 16, 1000, "ab").with_file(".ogg", FileFacts("cd", 77))
    assert read_sidecar(made.serialised()) == made
    assert made.facts(".wav") == FileFacts("ab", 2044)
    assert made.facts(".ogg") == FileFacts("cd", 77)
    assert made.facts(".mp3") is None


def test_its_names_are_those_that_clients_read() -> None:
    names = set(json.loads(sidecar_of("0" * 16, 1000, "ab").serialised()))
    assert names >= {"key", "line", "engine", "duration", "sample_rate", "samples", "sha256"}
    assert names >= {"words", "created", "took_ms"}


@given(st.binary() | st.text().map(str.encode) | st.just(b'{"key": 1}') | st.just(b"[" * 9999))
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(BadSidecar):
        read_sidecar(data)
