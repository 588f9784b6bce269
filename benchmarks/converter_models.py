"""Voices of RVC and DDSP-SVC with random weights, written to a folder as people bring them.

They have the published sizes, so they compute as long as real ones; for a quick trial they are
narrow. What all of them share is written too; FCPE's weights are the published ones.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from torch import Tensor, nn

from benchmarks.converter_index import index_bytes
from realtime.engines.ddsp_svc.networks.shapes import DdspShape
from realtime.engines.ddsp_svc.networks.voice import DdspVoice
from realtime.engines.rvc.networks.shapes import RvcShape
from realtime.engines.rvc.networks.synthesizer import RvcSynthesizer
from realtime.networks.hubert import Hubert, HubertShape
from realtime.settings import ModelsSettings, Settings
from realtime.vocoders.networks.pitched_generator import PitchedGenerator, PitchedShape

RVC, DDSP = "rvc", "ddsp_svc"
UNPITCHED = "_unpitched"  # ends the name of a voice of RVC without pitch
STAGES = {  # of RVC's generators: rates and kernels
    "v1_48k": ((10, 6, 2, 2, 2), (16, 16, 4, 4, 4)),
    "v2_32k": ((10, 8, 2, 2), (20, 16, 4, 4)),
    "v2_40k": ((10, 10, 2, 2), (16, 16, 4, 4)),
    "v2_48k": ((12, 10, 2, 2), (24, 20, 4, 4)),
}
VERSIONS = ("6.0", "6.1", "6.2", "6.3")
VOICES = (
    *(f"{RVC}:{name}{end}" for name in STAGES for end in ("", UNPITCHED)),
    *(f"{DDSP}:{version}" for version in VERSIONS),
)
FULL_CONTENT = HubertShape(projected=256)
SMALL_CONTENT = replace(FULL_CONTENT, inner=16, channels=16)
RATE, HOP, WINDOW, MELS = 44_100, 512, 2_048, 128  # of DDSP-SVC and its vocoder
LIST_VECTORS = 40  # of an index in each of its lists
VOCODER: dict[str, Any] = {
    "sampling_rate": RATE,
    "num_mels": MELS,
    "n_fft": WINDOW,
    "win_size": WINDOW,
    "hop_size": HOP,
    "fmin": 40,
    "fmax": 16_000,
    "resblock": "1",
    "upsample_rates": [8, 8, 2, 2, 2],
    "upsample_kernel_sizes": [16, 16, 4, 4, 4],
    "upsample_initial_channel": 512,
    "resblock_kernel_sizes": [3, 7, 11],
    "resblock_dilation_sizes": [[1, 3, 5]] * 3,
}


@dataclass(frozen=True)
class BroughtVoice:
    """A voice that was written, by its id, with the bytes of its file; no index is counted."""

    id: str
    size: int

    @property
    def engine(self) -> str:
        return self.id.partition(":")[0]

    @property
    def name(self) -> str:
        return self.id.partition(":")[2]


def bring_voices(models: Path, ids: list[str], *, small: bool, vectors: int) -> list[BroughtVoice]:
    """Write voices and what they share to a folder."""
    torch.manual_seed(0)
    shape = SMALL_CONTENT if small else FULL_CONTENT
    content = random_state(Hubert(shape))
    (models / "contentvec").mkdir(parents=True)
    torch.save({name: value.half() for name, value in content.items()}, _content_path(models))
    _write_vocoder(models / "nsf_hifigan", small)
    return [bring_voice(models, voice, small=small, vectors=vectors) for voice in ids]


def bring_voice(
    models: Path, voice: str, copy: str = "", *, small: bool, vectors: int
) -> BroughtVoice:
    """Write a voice, under another name where one is given."""
    engine, _, name = voice.partition(":")
    folder = models / engine / (copy or name)
    folder.mkdir(parents=True)
    if engine == RVC:
        _write_rvc(folder, name, copy or name, small, vectors)
    else:
        _write_ddsp(folder, name, small)
    (file,) = (path for path in folder.iterdir() if path.suffix in (".pth", ".pt"))
    return BroughtVoice(f"{engine}:{copy or name}", file.stat().st_size)


def settings_for(models: Path, device: str) -> Settings:
    """Return settings with that folder; on `auto` an engine finds its device."""
    devices = {} if device == "auto" else {RVC: device, DDSP: device}
    return Settings(models=ModelsSettings(path=models, devices=devices))


def rvc_shape(name: str, small: bool = False) -> RvcShape:
    """Return the published sizes of a voice of RVC."""
    rates, kernels = STAGES[name.removesuffix(UNPITCHED)]
    width = 32 if small else 192
    decoder = PitchedShape(
        width,
        upsample_rates=rates,
        upsample_kernel_sizes=kernels,
        upsample_initial_channel=32 if small else 512,
        gin_channels=16 if small else 256,
        is_bias=False,
        rate=math.prod(rates) * 100,
        harmonics=1,
    )
    return RvcShape(
        content=256 if name.startswith("v1") else 768,
        hidden=width,
        inner=4 * width,
        heads=2,
        layers=1 if small else 6,
        kernel=3,
        window=10,
        latent=width,
        flow_layers=3,
        speakers=109,
        style=decoder.gin_channels,
        pitches=0 if name.endswith(UNPITCHED) else 256,
        decoder=decoder,
    )


def ddsp_shape(version: str, small: bool = False) -> DdspShape:
    """Return the published sizes of a voice of DDSP-SVC."""
    wide = version in ("6.2", "6.3")
    width, flow = (512, 1024) if wide else (256, 512)
    return DdspShape(
        version,
        RATE,
        HOP,
        WINDOW,
        units=768,
        inner=32 if small else 256 if version == "6.0" else 512,
        width=32 if small else width,
        layers=1 if small else 6 if wide else 3,
        norm=wide,
        attention=False,
        pitch_aug=True,
        speakers=1,
        has_speakers=False,
        mels=MELS,
        flow_width=32 if small else flow,
        flow_layers=1 if small else 6,
    )


def random_state(network: nn.Module) -> dict[str, Tensor]:
    """Return a network's tensors with random numbers that keep signals of one size."""
    state = dict(network.state_dict())
    for name, value in state.items():
        if value.dim() > 1:
            value.normal_(std=value[0].numel() ** -0.5)
        else:
            value.fill_(0.0 if name.endswith(("bias", "beta")) else 1.0)
    return state


def _content_path(models: Path) -> Path:
    return models / "contentvec" / "pytorch_model.bin"


def _write_vocoder(folder: Path, small: bool) -> None:
    folder.mkdir()
    config = {**VOCODER, "upsample_initial_channel": 32} if small else VOCODER
    shape = PitchedShape(
        MELS,
        upsample_rates=config["upsample_rates"],
        upsample_kernel_sizes=config["upsample_kernel_sizes"],
        upsample_initial_channel=config["upsample_initial_channel"],
        rate=RATE,
    )
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    torch.save({"generator": random_state(PitchedGenerator(shape))}, folder / "model")


def _write_rvc(folder: Path, name: str, written: str, small: bool, vectors: int) -> None:
    shape = rvc_shape(name, small)
    decoder, version = shape.decoder, name.partition("_")[0]
    network = RvcSynthesizer(shape)
    config: list[Any] = [1025, 32, shape.latent, shape.hidden, shape.inner, shape.heads]
    config += [shape.layers, shape.kernel, 0, "1", list(decoder.resblock_kernel_sizes)]
    config += [[list(each) for each in decoder.resblock_dilation_sizes]]
    config += [list(decoder.upsample_rates), decoder.upsample_initial_channel]
    config += [list(decoder.upsample_kernel_sizes), shape.speakers, shape.style, decoder.rate]
    content = {
        "weight": {key: value.half() for key, value in random_state(network).items()},
        "config": config,
        "info": "random",
        "sr": f"{decoder.rate // 1000}k",
        "f0": int(shape.pitches > 0),
        "version": version,
    }
    torch.save(content, folder / f"{written}.pth")
    if vectors:
        drawn = np.random.default_rng(0).standard_normal((vectors, shape.content), np.float32)
        lists = np.array_split(drawn, -(-vectors // LIST_VECTORS))
        index = folder / f"added_IVF{len(lists)}_Flat_nprobe_1_{written}_{version}.index"
        index.write_bytes(index_bytes(lists))


def _write_ddsp(folder: Path, version: str, small: bool) -> None:
    shape, wide = ddsp_shape(version, small), version in ("6.2", "6.3")
    state = random_state(DdspVoice(shape))
    for name, number in (("sampling_rate", RATE), ("block_size", HOP), ("win_length", WINDOW)):
        state[f"ddsp_model.{name}"] = torch.tensor(number)
    data: dict[str, Any] = {"encoder": "contentvec768l12tta2x" if wide else "contentvec768l12"}
    if wide:
        data["volume_smooth_size"] = 8_192 if version == "6.2" else 1_024
    config = {
        "data": data,
        "model": {"type": "RectifiedFlow", "t_start": 0.0 if wide else 0.7},
        "vocoder": {"type": "nsf-hifigan"},
        "infer": {"infer_step": 50 if wide else 20, "method": "euler"},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    torch.save({"global_step": 1, "model": state}, folder / "model_1.pt")
