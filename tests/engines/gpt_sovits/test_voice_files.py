"""A voice's two files become states that a network takes with nothing missing or left over."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from realtime.engines.gpt_sovits.checkpoints import read_tensors
from realtime.engines.gpt_sovits.networks.bert import Bert
from realtime.engines.gpt_sovits.networks.eres2netv2 import Eres2NetV2
from realtime.engines.gpt_sovits.networks.mel_sovits import MelSovits
from realtime.engines.gpt_sovits.networks.sovits import SovitsDecoder
from realtime.engines.gpt_sovits.networks.text_to_semantic import TextToSemantic
from realtime.engines.gpt_sovits.rewrite_checkpoint import main
from realtime.engines.gpt_sovits.versions import VERSIONS, is_skipped
from realtime.engines.gpt_sovits.vocabulary import load_vocabulary
from realtime.engines.gpt_sovits.voice_files import base_path, open_voice
from realtime.engines.gpt_sovits.weights import BERT, HUBERT, SPEAKER, convertible_files
from realtime.engines.torch_file import named_faults
from realtime.errors import Unavailable, WeightsMissing
from realtime.networks.hubert import Hubert
from realtime.settings import Settings
from realtime.weights import verified_path
from tests.support import gpt_sovits_files as files
from tests.support.valle_files import settings_in


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path)


@pytest.fixture
def folder(settings: Settings) -> Path:
    return settings.models.path / "gpt_sovits"


@pytest.mark.parametrize("version", files.SOVITS)
def test_both_files_are_ready_for_the_networks(
    folder: Path, settings: Settings, version: str
) -> None:
    gpt = files.write_gpt(folder / "voice.ckpt", version)
    sovits = files.write_sovits(folder / "voice.pth", version, pretrained=version == "v2")
    found = open_voice(gpt, sovits, settings)
    assert found.version is VERSIONS[version]
    weight, config = files.sovits_weights(version)
    assert found.sovits.state.keys() == {
        name for name in weight if not is_skipped(name, found.version)
    }
    assert found.sovits.config == config
    assert found.gpt.state.keys() == files.gpt_weights(version)[0].keys()
    for state in (found.gpt.state, found.sovits.state):
        assert {value.dtype for value in state.values()} == {torch.float32}


@pytest.mark.slow
@pytest.mark.parametrize("version", files.SOVITS)
def test_the_networks_take_all_of_it_and_miss_nothing(
    folder: Path, settings: Settings, version: str
) -> None:
    gpt = files.write_gpt(folder / "voice.ckpt", version)
    sovits = files.write_sovits(folder / "voice.pth", version)
    found = open_voice(gpt, sovits, settings)
    kind = MelSovits if found.version.flow_matching else SovitsDecoder
    with named_faults(sovits):
        network = kind.loaded(found.sovits.state, found.sovits.config["model"])
    assert network.shape.bins == found.version.spectrum_bins
    assert network.shape.phones == found.version.sovits_symbols
    assert bool(network.shape.speaker) == found.version.speaker_vector
    with named_faults(gpt):
        TextToSemantic.loaded(found.gpt.state, found.gpt.config["model"]["head"])
    broken = {**found.sovits.state, "ref_enc.fc.fc.bias": torch.zeros(3)}
    with pytest.raises(Unavailable, match=r"voice.pth cannot be used: size mismatch for ref_enc"):
        with named_faults(sovits):
            kind.loaded(broken, found.sovits.config["model"])


@pytest.mark.parametrize("version", ["v3", "v4"])
def test_a_lora_file_takes_the_base_beside_it(
    folder: Path, settings: Settings, version: str
) -> None:
    gpt = files.write_gpt(folder / "voice.ckpt")
    lora = files.write_lora(folder / "mine" / "lora.pth", version)
    with pytest.raises(WeightsMissing, match=f"s2G{version}.pth"):
        open_voice(gpt, lora, settings)
    base = files.write_sovits(folder / "mine" / f"s2G{version}.pth", version, head="PK")
    found = open_voice(gpt, lora, settings)
    assert found.version.name == version
    whole = open_voice(gpt, base, settings, version)
    assert found.sovits.state.keys() == whole.sovits.state.keys()
    name = "cfm.estimator.transformer_blocks.0.attn.to_q.weight"
    assert not torch.equal(found.sovits.state[name], whole.sovits.state[name])
    assert main([str(base), f"{base}.safetensors"]) == 0
    base.unlink()
    converted = open_voice(gpt, lora, settings)
    assert torch.equal(converted.sovits.state[name], found.sovits.state[name])


def test_a_base_in_its_place_serves_all_lora_files(folder: Path, settings: Settings) -> None:
    base = files.write_sovits(folder / "gsv-v4-pretrained" / "s2Gv4.pth", "v4")
    assert base_path(folder / "a" / "lora.pth", VERSIONS["v4"], settings) == base


def test_a_base_of_another_kind_is_refused(folder: Path, settings: Settings) -> None:
    gpt = files.write_gpt(folder / "voice.ckpt")
    lora = files.write_lora(folder / "lora.pth", "v4")
    base = folder / "s2Gv4.pth"
    files.write_lora(base, "v4")
    with pytest.raises(Unavailable, match=r"s2Gv4.pth cannot be used: it is a LoRA file"):
        open_voice(gpt, lora, settings)
    files.write_sovits(base, "v3")
    with pytest.raises(Unavailable, match=r"s2Gv4.pth cannot be used: it is of v3, not of v4"):
        open_voice(gpt, lora, settings)


def test_what_can_be_converted_is_found_by_its_ending(folder: Path, settings: Settings) -> None:
    assert convertible_files(settings) == []
    for name in ("a.ckpt", "a.pth", "sv/b.ckpt", "hubert/pytorch_model.bin", "note.txt", ".c.pth"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (folder / "deep" / "er" / "and").mkdir(parents=True)
    (folder / "deep" / "er" / "and" / "more.pth").touch()
    (folder / "circle").symlink_to(folder)
    found = convertible_files(settings)
    assert [file.name for file in found] == [
        "a.ckpt",
        "a.pth",
        "hubert/pytorch_model.bin",
        "sv/b.ckpt",
    ]
    assert len({file.converted for file in found}) == len(found)


def test_the_small_files_that_all_voices_share_fit_the_small_voices(
    folder: Path, settings: Settings
) -> None:
    files.write_front(settings.models.path)
    hubert = Hubert.loaded(read_tensors(verified_path(HUBERT, settings)))
    bert = Bert.loaded(read_tensors(verified_path(BERT, settings)))
    speaker = Eres2NetV2.loaded(read_tensors(verified_path(SPEAKER, settings)))
    ids = torch.tensor([load_vocabulary(settings).encode("你好,龘")])
    voice = files.sovits_weights("v2ProPlus")[0]
    with torch.inference_mode():
        assert hubert(torch.randn(1, 8_000)).shape[2] == voice["ssl_proj.weight"].shape[1]
        assert speaker(torch.randn(1, 50, 80)).shape[1] == voice["sv_emb.weight"].shape[1]
        features = bert(ids)
    gpt = files.gpt_weights("v2")[0]
    assert features.shape == (1, 6, gpt["model.bert_proj.weight"].shape[1])
    assert features.isfinite().all()
