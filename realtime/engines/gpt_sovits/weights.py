"""The files of GPT-SoVITS under `models/gpt_sovits/`: those that all voices share, and any voice's.

Files of voices have the names that people gave them, so what can be converted is looked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from realtime.settings import Settings
from realtime.weights import WeightFile

ENGINE = "gpt_sovits"
PROJECT = "from the GPT-SoVITS project, RVC-Boss/GPT-SoVITS"
CONVERTED = ".safetensors"  # after the whole name: a voice's two files may differ by ending alone
ENDINGS = (".ckpt", ".pth", ".bin")
MOST_FILES, MOST_DEPTH = 1_000, 3  # of the folder that is looked through


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
    names = sorted(str(path.relative_to(folder)) for path in walk_files(folder))
    return [brought(name) for name in names[:MOST_FILES] if name.endswith(ENDINGS)]


def walk_files(folder: Path, depth: int = MOST_DEPTH) -> Iterator[Path]:
    """Give the files in a folder and in those below it; links to folders are not followed."""
    if not folder.is_dir():
        return
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink() and depth > 1:
            yield from walk_files(path, depth - 1)
        elif path.is_file() and not path.name.startswith("."):
            yield path
