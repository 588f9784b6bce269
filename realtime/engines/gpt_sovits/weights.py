"""The files of GPT-SoVITS under `models/gpt_sovits/`: those that all voices share, and any voice's.

Files of voices have the names that people gave them, so what can be converted is looked for.
"""

from __future__ import annotations

from pathlib import Path

from realtime.files import walk_files
from realtime.settings import Settings
from realtime.weights import WeightFile

ENGINE = "gpt_sovits"
PROJECT = "from the GPT-SoVITS project, RVC-Boss/GPT-SoVITS"
CONVERTED = ".safetensors"  # after the whole name: a voice's two files may differ by ending alone
ENDINGS = (".ckpt", ".pth", ".bin")
MOST_DEPTH = 3  # folders: those below the engine's own are looked through so far


def brought(name: str, origin: str | None = None) -> WeightFile:
    """Describe a file by its name under `models/gpt_sovits/`."""
    return WeightFile(ENGINE, name, origin=origin, converted=name + CONVERTED)


HUBERT = brought("chinese-hubert-base/pytorch_model.bin", PROJECT)
BERT = brought("chinese-roberta-wwm-ext-large/pytorch_model.bin", PROJECT)
# The same table in two forms; either will do.
BERT_TOKENIZER = WeightFile(ENGINE, "chinese-roberta-wwm-ext-large/tokenizer.json", origin=PROJECT)
BERT_VOCABULARY = WeightFile(ENGINE, "chinese-roberta-wwm-ext-large/vocab.txt", origin=PROJECT)
SPEAKER = brought("sv/pretrained_eres2netv2w24s4ep4.ckpt", PROJECT)
# What LoRA files change, by version.
BASES = {
    "v3": brought("s2Gv3.pth", PROJECT),
    "v4": brought("gsv-v4-pretrained/s2Gv4.pth", PROJECT),
}

# Files that every voice may need, in their places.
SHARED_FILES = (HUBERT, BERT, BERT_TOKENIZER, BERT_VOCABULARY, SPEAKER, *BASES.values())


def convertible_files(settings: Settings) -> list[WeightFile]:
    """List the files there that `weights convert` rewrites."""
    folder = settings.models.path / ENGINE
    names = sorted(str(path.relative_to(folder)) for path in all_files(settings))
    return [brought(name) for name in names if name.endswith(ENDINGS)]


def all_files(settings: Settings) -> list[Path]:
    """List the files of the engine's folder that are there, in the order of their names."""
    return [p for p in walk_files(settings.models.path / ENGINE, MOST_DEPTH) if p.is_file()]
