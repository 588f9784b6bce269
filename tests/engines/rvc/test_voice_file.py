"""Voice files: what is one, and what is refused by name with nothing executed."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
import torch

from realtime.engines.rvc.voice_file import read_voice
from realtime.errors import Unavailable
from tests.support.rvc_files import voice_content, write_voice


@pytest.mark.parametrize(
    ("version", "pitch", "rate"),
    [("v1", True, 48_000), ("v2", True, 40_000), ("v2", False, 32_000)],
)
def test_a_voice_tells_what_it_is(tmp_path: Path, version: str, pitch: bool, rate: int) -> None:
    voice = read_voice(write_voice(tmp_path / "nana.pth", version, pitch))
    assert (voice.version, voice.has_pitch, voice.rate) == (version, pitch, rate)
    network = voice.network()
    assert network.hop * 100 == rate
    assert next(network.parameters()).dtype == torch.float32


def test_old_files_say_less(tmp_path: Path) -> None:
    voice = read_voice(
        write_voice(tmp_path / "old.pth", "v1", changed=dict.fromkeys(("version", "f0", "info")))
    )
    assert (voice.version, voice.has_pitch) == ("v1", True)
    voice.network()


def test_a_rate_may_be_a_word_and_the_speakers_are_counted(tmp_path: Path) -> None:
    content = voice_content()
    content["config"][-1], content["config"][-3] = "40k", 109
    voice = read_voice(write_voice(tmp_path / "nana.pth", changed={"config": content["config"]}))
    assert voice.rate == 40_000
    assert voice.network().shape.speakers == 5


def test_what_only_training_reads_is_skipped_and_nothing_else(tmp_path: Path) -> None:
    weight = voice_content()["weight"]
    weight["enc_q.pre.weight"] = torch.zeros(2, 2).half()
    read_voice(write_voice(tmp_path / "nana.pth", changed={"weight": weight})).network()
    weight["dec.extra.weight"] = torch.zeros(2).half()
    with pytest.raises(Unavailable, match=r"nana.pth cannot be used.*dec\.extra\.weight"):
        read_voice(write_voice(tmp_path / "nana.pth", changed={"weight": weight})).network()


def test_the_newer_names_of_weight_norm_are_read(tmp_path: Path) -> None:
    weight = {}
    for name, value in voice_content()["weight"].items():
        name = name.replace(".weight_g", ".parametrizations.weight.original0")
        weight[name.replace(".weight_v", ".parametrizations.weight.original1")] = value
    read_voice(write_voice(tmp_path / "nana.pth", changed={"weight": weight})).network()


FOREIGN: list[tuple[dict[str, Any], str]] = [
    ({"weight": None, "model": {"a": torch.ones(1)}, "iteration": 3}, "training.*no voice"),
    ({"weight": None}, "no voice of RVC"),
    ({"config": [1] * 19}, "DDPN"),
    ({"config": [1] * 7}, "7 values"),
    ({"version": "voras_beta"}, "VoRAS"),
    ({"version": "v3"}, "v3"),
    ({"vocoder": "RefineGAN"}, "RefineGAN"),
    ({"embedder_model": "japanese-hubert-base"}, "japanese-hubert-base"),
]


@pytest.mark.parametrize(("changed", "why"), FOREIGN)
def test_other_files_are_refused_by_name(tmp_path: Path, changed: dict[str, Any], why: str) -> None:
    path = write_voice(tmp_path / "other.pth", changed=changed)
    with pytest.raises(Unavailable, match=why) as refused:
        read_voice(path)
    assert refused.value.code == "bad_weights" and str(path) in refused.value.message
    assert refused.value.hint


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (12, [10, 10, 2]),
        (12, [10, 10, 2, 10**9]),
        (12, "10,10,2,2"),
        (11, [[1, 3, 5]] * 10_000),
        (10, []),
        (9, "7"),
        (17, 48_000),
        (17, 10**12),
    ],
)
def test_damaged_arguments_are_refused(tmp_path: Path, place: int, value: Any) -> None:
    config = voice_content()["config"]
    config[place] = value
    with pytest.raises(Unavailable, match=r"nana.pth cannot be used"):
        read_voice(write_voice(tmp_path / "nana.pth", changed={"config": config})).network()


@pytest.mark.parametrize(
    "changed", [{"version": "v1"}, {"f0": 0}], ids=["another version", "no pitch"]
)
def test_a_file_that_contradicts_its_tensors_is_refused(
    tmp_path: Path, changed: dict[str, Any]
) -> None:
    with pytest.raises(Unavailable, match="it says"):
        read_voice(write_voice(tmp_path / "nana.pth", changed=changed)).network()


def test_a_missing_tensor_is_named(tmp_path: Path) -> None:
    weight = voice_content()["weight"]
    del weight["flow.flows.2.post.bias"]
    with pytest.raises(Unavailable, match=r"flow\.flows\.2\.post\.bias"):
        read_voice(write_voice(tmp_path / "nana.pth", changed={"weight": weight})).network()


class Exploit:
    """A pickle that writes a file when it is read without a guard."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("old", [False, True])
def test_a_malicious_file_is_refused_and_nothing_is_executed(tmp_path: Path, old: bool) -> None:
    mark = tmp_path / "executed"
    path = tmp_path / "evil.pth"
    content = voice_content() | {"info": Exploit(mark)}
    torch.save(content, path, _use_new_zipfile_serialization=not old)
    with pytest.raises(Unavailable, match=r"evil.pth cannot be used"):
        read_voice(path)
    path.write_bytes(pickle.dumps(content["info"]))
    with pytest.raises(Unavailable, match=r"evil.pth cannot be used"):
        read_voice(path)
    assert not mark.exists()


def test_a_cut_file_is_refused(tmp_path: Path) -> None:
    path = write_voice(tmp_path / "nana.pth")
    data = path.read_bytes()
    for size in (0, 3, 100, len(data) // 2, len(data) - 10):
        path.write_bytes(data[:size])
        with pytest.raises(Unavailable, match=r"nana.pth cannot be used"):
            read_voice(path)
