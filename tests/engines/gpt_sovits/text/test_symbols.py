"""The phone tables are those of the published embeddings, to the last symbol."""

from __future__ import annotations

import hashlib

import pytest

from realtime.engines.gpt_sovits.text.symbols import (
    Table,
    encode,
    known_table,
    numbers,
    symbols,
    with_unknown,
)
from realtime.errors import BadRequest
from tests.support.gpt_sovits_texts import reference

DIGESTS: dict[Table, str] = {
    "v1": "f7c3b280b9cc519b0829a6f182fcdd208643a07f1e20c1ab2bf4fc9e8e9a7ca6",
    "v2": "0771f6cd6f6201e8c2b0de921dc69cc04caf3f346c599d4a41413967d5674da7",
}


@pytest.mark.parametrize("table", DIGESTS)
def test_the_symbols_have_the_published_digest(table: Table) -> None:
    digest = hashlib.sha256("\n".join(symbols(table)).encode()).hexdigest()
    assert digest == DIGESTS[table]


def test_the_symbols_are_those_of_the_reference() -> None:
    assert list(symbols("v2")) == reference()["symbols"]["v2_list"]
    assert len(symbols("v1")) == reference()["symbols"]["v1"]
    assert symbols("v2")[: len(symbols("v1"))] == symbols("v1")


def test_known_places() -> None:
    known = numbers("v2")
    assert [known[name] for name in ("UNK", "_", "SP", "空", "停")] == [86, 95, 77, 352, 351]


def test_a_phone_outside_the_table_is_unknown() -> None:
    assert with_unknown(["a", "#", "["], "v2") == ("a", "UNK", "[")
    assert with_unknown(["a", "#", "["], "v1") == ("a", "UNK", "UNK")
    assert encode(["a", "#", "["], "v1") == (96, 86, 86)


def test_an_unknown_table_is_refused_by_name() -> None:
    with pytest.raises(BadRequest, match="'v9'; there are v1 and v2"):
        known_table("v9")
