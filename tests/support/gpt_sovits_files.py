"""Files of GPT-SoVITS in the published formats, with the small weights of the fixtures.

A seed other than 0 gives other numbers of the same shapes and sizes: another voice.
"""

from __future__ import annotations

import functools
import json
import re
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from realtime.engines.gpt_sovits.networks.bert import Bert, BertShape
from realtime.engines.gpt_sovits.weights import BERT, BERT_VOCABULARY, HUBERT, SPEAKER
from realtime.networks.hubert import Hubert, HubertShape

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "gpt_sovits"
SOVITS = {
    "v1": "sovits_v2_tiny",
    "v2": "sovits_v2_tiny",
    "v2Pro": "sovits_v2proplus_tiny",
    "v2ProPlus": "sovits_v2proplus_tiny",
    "v3": "cfm_v4_tiny",
    "v4": "cfm_v4_tiny",
}
HEADS = {"v1": "00", "v2": "01", "v3": "02", "v4": "PK", "v2Pro": "05", "v2ProPlus": "06"}
LORA_HEADS = {"v3": "03", "v4": "04"}
CHARACTERS = ",.?!…-你好我是中国人今天气很的一不了在有"
LORA_PARTS = ("to_q", "to_k", "to_v", "to_out.0")
Weights = dict[str, Tensor]
Config = dict[str, Any]


@functools.cache
def fixture(name: str) -> Mapping[str, np.ndarray]:
    """Read a file of reference numbers; its arrays are shared and must not be changed."""
    with np.load(FIXTURES / f"{name}.npz") as file:
        return {key: file[key] for key in file.files}


def tensor(name: str, key: str) -> Tensor:
    return torch.from_numpy(fixture(name)[key].copy())


def arguments(name: str, key: str) -> Any:
    """Read a JSON text of a fixture: a case's `args`, or `config`."""
    return json.loads(str(fixture(name)[key]))


def weights(name: str, prefix: str = "w.", seed: int = 0) -> Weights:
    """Return the weights of a fixture by published name, or others like them."""
    generator = torch.Generator().manual_seed(seed)
    found = {}
    for key, array in fixture(name).items():
        if key.startswith(prefix):
            value = torch.from_numpy(array.copy())
            if seed and value.numel() > 1 and value.is_floating_point():
                drawn = torch.randn(value.shape, generator=generator)
                value = value.mean() + value.std() * drawn
            found[key.removeprefix(prefix)] = value
    return found


class Reference:
    """A file of weights, inputs and expected outputs."""

    def __init__(self, name: str) -> None:
        self._name = name

    def state(self) -> Weights:
        """Return the weights under their published names."""
        return weights(self._name)

    def tensor(self, key: str) -> Tensor:
        return tensor(self._name, key)

    def has(self, key: str) -> bool:
        return key in fixture(self._name)

    def facts(self, key: str) -> Config:
        """Read a JSON text: `config`, or the arguments of a case."""
        facts: Config = arguments(self._name, key)
        return facts


def gpt_weights(version: str, seed: int = 0) -> tuple[Weights, Config]:
    found, config = weights("t2s_tiny", seed=seed), arguments("t2s_tiny", "config")
    if version == "v1":
        table = "model.ar_text_embedding.word_embeddings.weight"
        found[table] = found[table][:512].clone()
        config["model"]["phoneme_vocab_size"] = 512
    return found, config


def sovits_weights(version: str, seed: int = 0) -> tuple[Weights, Config]:
    name = SOVITS[version]
    found, config = weights(name, seed=seed), arguments(name, "config")
    del config["widths"]
    config["model"]["version"] = version
    if version == "v1":
        table, first = "enc_p.text_embedding.weight", "ref_enc.spectral.0.fc.weight"
        found[table] = found[table][:322].clone()
        found[first] = torch.cat([found[first], found[first][:, :321]], dim=1)
    if version == "v2Pro":
        first = "dec.ups.0.weight_v"
        found[first] = found[first][:, :, 2:18].clone()
        config["model"]["upsample_kernel_sizes"][0] = 16
    return found, config


def write_gpt(path: Path, version: str = "v2", seed: int = 0, ends: bool = False) -> Path:
    """Write a GPT file as fine-tuning does: half precision, a plain configuration.

    Its sentences end after a second or so where it is wanted; else they find no end.
    """
    found, config = gpt_weights(version, seed)
    if ends:
        make_ends_likely(found)
    content = {"weight": half(found), "config": config, "info": "GPT-e15"}
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(content, path)
    return path


def make_ends_likely(found: Weights) -> None:
    """Make the end one of the likeliest codes at every step."""
    last = max(int(name.split(".")[3]) for name in found if ".h.layers." in name)
    norm = f"model.h.layers.{last}.norm2"
    # The first number after the last norm is made constant: its weight sets the chance of an end.
    found[f"{norm}.weight"][0], found[f"{norm}.bias"][0] = 0.0, 1.0
    table = found["model.ar_predict_layer.weight"]
    table[:, 0] = 0.0
    table[1024] = 0.0
    table[1024, 0] = 2.2 * float(table[0].square().sum().sqrt())


def write_sovits(
    path: Path,
    version: str = "v2",
    seed: int = 0,
    *,
    head: str | None = None,
    pretrained: bool = False,
    state: Weights | None = None,
    config: Config | None = None,
) -> Path:
    """Write a SoVITS file: the class of its makers, and digits over its first two bytes.

    A pretrained one has the tensors of training too, and full precision.
    """
    found, own_config = sovits_weights(version, seed)
    found = state or found
    if pretrained:
        found["enc_q.pre.weight"] = torch.zeros(4, 4, 1)
    content = {
        "weight": found if pretrained else half(found),
        "config": config or own_config,
        "info": "8epoch_1000iteration",
    }
    return write_published(path, content, HEADS[version] if head is None else head)


def write_lora(
    path: Path, version: str = "v4", rank: int = 4, seed: int = 1, *, head: str | None = None
) -> Path:
    """Write a LoRA file: changes to the attention, and some tensors whole."""
    content = {
        "weight": half(lora_weights(version, rank, seed)),
        "config": sovits_weights(version)[1],
        "info": "2epoch",
        "lora_rank": rank,
    }
    return write_published(path, content, LORA_HEADS[version] if head is None else head)


def lora_weights(version: str, rank: int, seed: int) -> Weights:
    found, _ = sovits_weights(version, seed)
    generator = torch.Generator().manual_seed(seed)
    whole = ("bridge.", "wns1.", "ref_enc.", "linear_mel.", "quantizer.")
    changed = {name: value for name, value in found.items() if name.startswith(whole)}
    for name, value in found.items():
        stem = name.removesuffix(".weight")
        if value.dim() == 2 and stem.partition(".attn.")[2] in LORA_PARTS:
            inner = f"cfm.base_model.model.{stem.removeprefix('cfm.')}"
            for letter, shape in (("A", (rank, value.shape[1])), ("B", (value.shape[0], rank))):
                changed[f"{inner}.lora_{letter}.default.weight"] = 0.1 * torch.randn(
                    shape, generator=generator
                )
    changed["cfm.base_model.model.estimator.rotary_embed.inv_freq"] = torch.ones(32)
    return changed


def write_front(models: Path, seed: int = 1) -> Path:
    """Write the files that all voices share, as wide as the small voices want them.

    Chinese characters other than those of `CHARACTERS` are unknown.
    """
    folder = models / "gpt_sovits"
    _save_tensors(folder / HUBERT.name, _small_hubert(seed))
    _save_tensors(folder / BERT.name, _small_bert(seed))
    _save_tensors(folder / SPEAKER.name, weights("eres2netv2_tiny"))
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *CHARACTERS]
    (folder / BERT_VOCABULARY.name).write_text("\n".join(words), encoding="utf-8")
    return folder


def _small_hubert(seed: int) -> Weights:
    shape = HubertShape(width=64, heads=1, layers=1, inner=32, channels=16)
    return _random_state(lambda: Hubert(shape), seed)


def _small_bert(seed: int) -> Weights:
    characters = len(CHARACTERS) + 4
    shape = BertShape(layers=1, inner=16, characters=characters)
    found = {
        f"bert.{name}": value for name, value in _random_state(lambda: Bert(shape), seed).items()
    }
    # The last two layers are not used; a tensor of the last one tells how many there are.
    found["bert.encoder.layer.2.output.dense.bias"] = torch.zeros(shape.width)
    return half(found)


def _random_state(make: Callable[[], nn.Module], seed: int) -> Weights:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return dict(make().state_dict())


def _save_tensors(path: Path, found: Weights) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(found, path)


def half(found: Weights) -> Weights:
    return {name: value.half() for name, value in found.items()}


def write_published(path: Path, content: Config, head: str = "PK") -> Path:
    """Write a file whose configuration is an object of `utils.HParams`, and its first bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with makers_module() as hparams:
        torch.save({**content, "config": as_object(content["config"], hparams)}, path)
    with path.open("r+b") as file:
        file.write(head.encode())
    return path


@contextmanager
def makers_module() -> Iterator[type]:
    """Give the class `utils.HParams` while its module can be imported; then it is gone."""
    module = types.ModuleType("utils")
    hparams = type("HParams", (), {"__module__": "utils", "__qualname__": "HParams"})
    module.HParams = hparams  # type: ignore[attr-defined]
    before = sys.modules.get("utils")
    sys.modules["utils"] = module
    try:
        yield hparams
    finally:
        del sys.modules["utils"]
        if before is not None:
            sys.modules["utils"] = before


def as_object(value: Any, hparams: type) -> Any:
    """Turn dictionaries into objects whose attributes are their values."""
    if not isinstance(value, dict):
        return value
    made = hparams()
    for name, each in value.items():
        setattr(made, name, as_object(each, hparams))
    return made


def full_size_keys(name: str) -> dict[str, list[tuple[int, ...]]]:
    """Read the tensors of a full-size file: the shapes by name, with N for numbers."""
    found = {}
    for line in (FIXTURES / f"keys_{name}.txt").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            shapes = re.findall(r"\(([\d, ]*)\)", line)
            found[line.split(" ")[0]] = [
                tuple(int(size) for size in shape.split(",") if size.strip()) for shape in shapes
            ]
    return found
