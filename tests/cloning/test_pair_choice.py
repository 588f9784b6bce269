"""Weights are named by two paths or one name inside the folder, or are the only ones there."""

from __future__ import annotations

from pathlib import Path

import pytest

from realtime.cloning.pair_choice import PairNames, choose_pair
from realtime.errors import BadRequest, Unavailable, WeightsMissing
from realtime.settings import Settings
from tests.support.gpt_sovits_voices import settings_in


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path)


def bring(settings: Settings, *names: str) -> None:
    """Put files there, whose content nobody reads."""
    for name in names:
        path = settings.models.path / "gpt_sovits" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"weights")


def chosen(settings: Settings, **names: str) -> list[str]:
    pair = choose_pair(PairNames(**names), settings)
    folder = settings.models.path / "gpt_sovits"
    return [path.relative_to(folder).as_posix() for path in (pair.gpt, pair.sovits)]


def test_the_only_pair_needs_no_name(settings: Settings) -> None:
    with pytest.raises(WeightsMissing, match="no pair of files"):
        choose_pair(PairNames(), settings)
    bring(settings, "nana/nana-e15.ckpt", "nana/nana_e8.pth")
    assert chosen(settings) == ["nana/nana-e15.ckpt", "nana/nana_e8.pth"]


def test_of_several_one_is_named(settings: Settings) -> None:
    bring(settings, "nana/a.ckpt", "nana/b.pth", "kyo/c.ckpt", "kyo/c.pth")
    with pytest.raises(BadRequest, match=r"there are: a\+b, c") as refused:
        choose_pair(PairNames(), settings)
    assert refused.value.code == "unknown_model"
    with pytest.raises(BadRequest, match=r"no model 'x'; there are: a\+b, c"):
        choose_pair(PairNames(model="x"), settings)
    assert chosen(settings, model="c") == ["kyo/c.ckpt", "kyo/c.pth"]
    crossed = ["nana/a.ckpt", "kyo/c.pth"]
    assert chosen(settings, gpt=crossed[0], sovits=crossed[1]) == crossed
    assert chosen(settings, model="a+c") == crossed


@pytest.mark.parametrize(
    "path",
    ["../secret.ckpt", "/etc/passwd", "nana/../../secret.ckpt", "none.ckpt", "a\0b", "b.pth"],
)
def test_other_paths_are_no_weights(settings: Settings, path: str) -> None:
    bring(settings, "nana/a.ckpt", "nana/b.pth", "../secret.ckpt")
    with pytest.raises(
        BadRequest, match=r"no such gpt file .* there are: nana/a\.ckpt\."
    ) as refused:
        choose_pair(PairNames(gpt=path, sovits="nana/b.pth"), settings)
    assert (refused.value.code, refused.value.field) == ("unknown_model", "gpt")


def test_a_converted_file_stands_for_the_first(settings: Settings) -> None:
    bring(settings, "a.ckpt", "a.ckpt.safetensors", "b.pth")
    found = ["a.ckpt.safetensors", "b.pth"]
    assert chosen(settings, gpt="a.ckpt", sovits="b.pth") == found == chosen(settings)


def test_half_a_pair_and_two_ways_at_once_are_refused(settings: Settings) -> None:
    bring(settings, "a.ckpt", "b.pth")
    for names, missing in (({"gpt": "a.ckpt"}, "sovits"), ({"sovits": "b.pth"}, "gpt")):
        with pytest.raises(BadRequest) as refused:
            choose_pair(PairNames(**names), settings)
        assert refused.value.field == missing
    with pytest.raises(BadRequest, match="named twice"):
        choose_pair(PairNames("a.ckpt", "b.pth", "a+b"), settings)


def test_files_that_the_engine_could_not_tell_apart_are_refused(settings: Settings) -> None:
    bring(settings, "one/a.ckpt", "two/a.ckpt", "b.pth")
    with pytest.raises(Unavailable, match="the same name"):
        choose_pair(PairNames(gpt="one/a.ckpt", sovits="b.pth"), settings)
