"""Tests of ids: what is joined is split into the same two names."""

from __future__ import annotations

import pytest

from realtime.model_id import model_id, split_id


@pytest.mark.parametrize(
    ("engine", "model", "id"),
    [("kokoro", "", "kokoro"), ("torchscript", "nana", "torchscript:nana")],
)
def test_an_id_is_an_engine_and_a_model(engine: str, model: str, id: str) -> None:
    assert model_id(engine, model) == id
    assert split_id(id) == (engine, model)


def test_a_model_may_have_the_separator_in_its_name() -> None:
    assert split_id("torchscript:nana:2") == ("torchscript", "nana:2")
