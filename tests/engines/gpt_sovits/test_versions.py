"""Each version is recognised, at the published sizes and at small ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from realtime.engines.gpt_sovits.checkpoints import Checkpoint, read_checkpoint
from realtime.engines.gpt_sovits.versions import (
    PUBLISHED,
    VERSIONS,
    check_gpt,
    check_pair,
    is_lora,
    is_skipped,
    version_of,
)
from realtime.errors import BadRequest, Unavailable
from tests.support import gpt_sovits_files as files

KEYS = {"v1": "v1", "v2": "v2", "v2Pro": "v2Pro", "v2ProPlus": "v2ProPlus", "v3": "v4", "v4": "v4"}


def full_size(version: str, head: str = "PK") -> Checkpoint:
    """Make a checkpoint with the published names and shapes, whose tensors take no memory."""
    shapes = files.full_size_keys(KEYS[version])
    weight = {
        name.replace(".N.", ".0."): torch.empty(shape[0], device="meta")
        for name, shape in shapes.items()
    }
    return Checkpoint(Path(f"{version}.pth"), weight, {"model": {}}, head, "")


@pytest.mark.parametrize("version", files.SOVITS)
def test_made_files_are_recognised(tmp_path: Path, version: str) -> None:
    for head in (files.HEADS[version], "PK"):
        path = files.write_sovits(tmp_path / f"{head}.pth", version, head=head)
        found = read_checkpoint(path)
        assert version_of(found).name == version and not is_lora(found)
        assert version_of(found, version) is VERSIONS[version]


@pytest.mark.parametrize("version", ["v1", "v2", "v2Pro", "v2ProPlus"])
def test_full_size_files_are_recognised_by_their_tensors_alone(version: str) -> None:
    """The digits may be wrong: upstream's own table takes the first v1 file for v2."""
    for head in ("PK", "01", "06"):
        assert version_of(full_size(version, head)).name == version


def test_v3_and_v4_are_told_apart_by_what_is_beside_the_tensors() -> None:
    unclear = full_size("v4")
    with pytest.raises(Unavailable, match=r"may be of v3 or of v4") as refused:
        version_of(unclear)
    assert "name of the file" in str(refused.value.hint)
    assert version_of(unclear, "v4").name == "v4" and version_of(unclear, "v3").name == "v3"
    for head, expected in {"02": "v3", "03": "v3", "04": "v4"}.items():
        assert version_of(full_size("v4", head)).name == expected
    for start_md5, expected in PUBLISHED.items():
        assert version_of(replace(unclear, start_md5=start_md5)).name == expected
    said = replace(unclear, config={"model": {"version": "v4"}})
    assert version_of(said).name == "v4"
    assert version_of(replace(said, head="02")).name == "v3"
    assert version_of(replace(unclear, config={"model": "v4"}), "v3").name == "v3"


def test_a_statement_that_the_file_denies_is_an_error() -> None:
    with pytest.raises(Unavailable, match=r"it is of v2, not of v4"):
        version_of(full_size("v2"), "v4")
    with pytest.raises(BadRequest, match="v2ProPlus"):
        version_of(full_size("v2"), "v5")


@pytest.mark.parametrize("version", ["v3", "v4"])
def test_lora_files_are_recognised(tmp_path: Path, version: str) -> None:
    found = read_checkpoint(files.write_lora(tmp_path / "lora.pth", version))
    assert is_lora(found) and version_of(found).name == version


def test_other_shapes_and_files_are_told() -> None:
    found = full_size("v2")
    table = "enc_p.text_embedding.weight"
    found.weight[table] = torch.empty(500, 192, device="meta")
    with pytest.raises(Unavailable, match=r"\(500, 192\)"):
        version_of(found)
    found.weight[table] = torch.empty(732, device="meta")
    with pytest.raises(Unavailable, match=r"\(732,\)"):
        version_of(found)
    found = full_size("v2Pro")
    del found.weight["dec.ups.0.weight_v"]
    with pytest.raises(Unavailable, match="three dimensions"):
        version_of(found)
    with pytest.raises(Unavailable, match="some other file"):
        version_of(replace(found, weight={"a": torch.zeros(1)}))


@pytest.mark.parametrize("version", files.SOVITS)
def test_files_that_number_phonemes_alike_go_together(tmp_path: Path, version: str) -> None:
    """Upstream checks nothing: index errors, or nonsense is spoken."""
    sovits = read_checkpoint(files.write_sovits(tmp_path / "voice.pth", version))
    own = read_checkpoint(files.write_gpt(tmp_path / "own.ckpt", version))
    check_pair(own, sovits, VERSIONS[version])
    other = "v2" if version == "v1" else "v1"
    foreign = read_checkpoint(files.write_gpt(tmp_path / "other.ckpt", other))
    with pytest.raises(Unavailable, match="do not go together") as refused:
        check_pair(foreign, sovits, VERSIONS[version])
    message = refused.value.message
    assert str(foreign.path) in message and str(sovits.path) in message and version in message


def test_two_files_in_each_others_place_are_told(tmp_path: Path) -> None:
    gpt = read_checkpoint(files.write_gpt(tmp_path / "voice.ckpt"))
    sovits = read_checkpoint(files.write_sovits(tmp_path / "voice.pth"))
    with pytest.raises(Unavailable, match="it is a GPT file, and a SoVITS file was expected"):
        version_of(gpt)
    with pytest.raises(Unavailable, match="it is a SoVITS file, and a GPT file was expected"):
        check_gpt(sovits)
    with pytest.raises(Unavailable, match="it is some other file, and a GPT file was expected"):
        check_gpt(replace(gpt, weight={"a": torch.zeros(1)}))


@pytest.mark.parametrize("version", files.SOVITS)
def test_exactly_the_tensors_of_training_are_skipped(version: str) -> None:
    names = files.full_size_keys(KEYS[version])
    skipped = {name for name in names if is_skipped(name, VERSIONS[version])}
    codebook = "quantizer.vq.layers.N._codebook"
    expected = {f"{codebook}.{state}" for state in ("inited", "cluster_size", "embed_avg")}
    if version in ("v3", "v4"):
        expected |= {"linear_mel.weight", "linear_mel.bias", "enc_p.proj.weight"}
        expected |= {"enc_p.proj.bias", "cfm.estimator.rotary_embed.inv_freq"}
    else:
        expected |= {name for name in names if name.startswith("enc_q.")}
        assert len(expected) == 3 + 13
    assert skipped == expected
    assert f"{codebook}.embed" in names
