"""A wrong file of weights is a 503 that names the file, and no fault of the request."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from realtime.cli import clone
from realtime.cli.commands import parse_arguments
from realtime.engines.valle.weights import CHECKPOINT, ENCODEC, VOCOS, VOCOS_CONFIG
from realtime.errors import Unavailable
from realtime.settings import Settings
from realtime.web.app import create_app
from tests.cli.test_clone import SAID, clip
from tests.support import small_valle, valle_files
from tests.support.documented_client import DocumentedClient
from tests.support.server import scripted_services

LINE = {"textPrompt": "Hello there, you.", "character": small_valle.NAME, "language": "en"}


class Payload:
    """An object whose unpickling would run code."""

    def __reduce__(self) -> Any:
        return os.system, ("touch unpickled",)


# Where people read where a file comes from: a damaged one, and one that does not fit.
PAGES = ("models/README.md", "docs/valle.md")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write all files as they should be."""
    settings = valle_files.settings_in(tmp_path_factory.mktemp("right"))
    small_valle.write_files(settings)
    valle_files.write_encodec(settings)
    return settings.models.path.parent


@pytest.fixture
def own_settings(web_settings: Settings, files: Path, tmp_path: Path) -> Settings:
    """Give links to all files in a folder of the test's own, where one may be replaced."""
    for path in (each for each in files.rglob("*") if each.is_file()):
        place = tmp_path / path.relative_to(files)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(path)
    return small_valle.settings_for(web_settings, tmp_path)


def replace_file(path: Path, content: bytes) -> None:
    path.unlink()
    path.write_bytes(content)


def save_tensors(path: Path, content: Any) -> None:
    path.unlink()
    if path.suffix == ".safetensors":
        save_file(content, path)
    else:
        torch.save(content, path)


def tensors(path: Path) -> dict[str, torch.Tensor]:
    found = torch.load(path, weights_only=False)
    inner: dict[str, torch.Tensor] = found.get("model", found)
    return inner


def drop_tensor(path: Path, name: str) -> None:
    save_tensors(path, {key: value for key, value in tensors(path).items() if key != name})


def add_row(path: Path, name: str) -> None:
    """Write a checkpoint in which one tensor has a row too many."""
    found = tensors(path)
    save_tensors(path, {**found, name: torch.cat([found[name], found[name][:1]])})


def drop_codebooks(path: Path) -> None:
    found = tensors(path)
    name = "feature_extractor.codebook_weights"
    save_tensors(path, {**found, name: found[name][:4096].clone()})


Spoil = Callable[[Path], None]
WRONG: dict[str, Spoil] = {
    "empty": lambda path: replace_file(path, b""),
    "no archive": lambda path: replace_file(path, b"<!DOCTYPE html><title>404</title>"),
    "cut short": lambda path: replace_file(path, path.read_bytes()[: path.stat().st_size // 2]),
    "a surprise": lambda path: save_tensors(path, {"model": {"a": Payload()}}),
    "no tensors": lambda path: save_tensors(path, {"model": {"a": 1}}),
    "numbers": lambda path: save_tensors(path, {"a.b": torch.zeros(2, dtype=torch.complex64)}),
}
WRONG_CHECKPOINTS: dict[str, Spoil] = {
    "another's": lambda path: save_tensors(path, small_valle.make_vocos()),
    "a row too many": lambda path: add_row(path, "ar_predict_layer.weight"),
    "a name missing": lambda path: drop_tensor(path, "nar_decoder.norm.norm.bias"),
    "no heads": lambda path: save_tensors(path, {"ar_predict_layer.weight": torch.zeros(1025)}),
}
WRONG_VOCOS: dict[str, Spoil] = {
    "another's": lambda path: save_tensors(path, small_valle.make_checkpoint()),
    "a row too many": lambda path: add_row(path, "backbone.embed.bias"),
    "other sizes": lambda path: add_row(path, "backbone.convnext.0.pwconv1.weight"),
    "a name missing": lambda path: drop_tensor(path, "head.out.bias"),
    "few levels": drop_codebooks,
}
WRONG_YAML: dict[str, Spoil] = {
    "empty": lambda path: replace_file(path, b""),
    "no yaml": lambda path: replace_file(path, b"[" * 9_000),
    "no text": lambda path: replace_file(path, b"\xff\xfe\x00head"),
    "another's": lambda path: replace_file(path, b"head: {class_path: os.system}"),
    "another rate": lambda path: replace_file(
        path, valle_files.VOCOS_YAML.replace("hop_length: 320", "hop_length: 256").encode()
    ),
}
CASES = [
    (file, kind, spoil)
    for file, spoils in (
        (CHECKPOINT, WRONG | WRONG_CHECKPOINTS),
        (VOCOS, WRONG | WRONG_VOCOS),
        (VOCOS_CONFIG, WRONG_YAML),
    )
    for kind, spoil in spoils.items()
]


@pytest.mark.parametrize(
    ("file", "spoil"),
    [(file, spoil) for file, _, spoil in CASES],
    ids=[f"{file.name} {kind}" for file, kind, _ in CASES],
)
def test_speaking_without_a_right_file(own_settings: Settings, file: Any, spoil: Spoil) -> None:
    spoil(own_settings.models.path / "valle" / file.name)
    with DocumentedClient(create_app(scripted_services(own_settings))) as client:
        answer = client.post("/generate", json=LINE)
        body = {"model": "valle", "input": "Hello.", "voice": small_valle.NAME}
        speech = client.post("/v1/audio/speech", json=body)
    assert (answer.status_code, answer.json()["code"]) == (503, 503)
    error = answer.json()["error"]
    assert file.name in error and any(page in error for page in PAGES)
    assert (speech.status_code, speech.json()["error"]["code"]) == (503, "bad_weights")
    assert "Retry-After" not in answer.headers and "Retry-After" not in speech.headers


@pytest.mark.parametrize("file", [CHECKPOINT, VOCOS, VOCOS_CONFIG], ids=lambda file: file.name)
def test_speaking_without_a_file(own_settings: Settings, file: Any) -> None:
    place = own_settings.models.path / "valle" / file.name
    place.unlink()
    with DocumentedClient(create_app(scripted_services(own_settings))) as client:
        answer = client.post("/generate", json=LINE)
    assert (answer.status_code, answer.json()["code"]) == (503, 503)
    assert str(place) in answer.json()["error"] and file.origin in answer.json()["error"]
    assert "Retry-After" not in answer.headers


WRONG_ENCODEC: dict[str, Spoil] = {
    "empty": WRONG["empty"],
    "no archive": WRONG["no archive"],
    "cut short": WRONG["cut short"],
    "another's": lambda path: save_tensors(path, small_valle.make_vocos()),
    "few codes": lambda path: save_tensors(
        path,
        {
            "encoder.model.0.conv.conv.bias": torch.zeros(2),
            "quantizer.vq.layers.0._codebook.embed": torch.zeros(512, 16),
        },
    ),
    "odd names": lambda path: save_tensors(
        path,
        {
            "encoder.model.0.conv.conv.bias": torch.zeros(2),
            "quantizer.vq.layers.0._codebook.embed": torch.zeros(1024, 16),
            "quantizer.vq.layers.x.y": torch.zeros(2),
        },
    ),
    "no direction": lambda path: save_tensors(
        path,
        {
            "encoder.model.0.conv.conv.bias": torch.zeros(2),
            "encoder.model.0.conv.conv.weight_g": torch.zeros(2),
            "quantizer.vq.layers.0._codebook.embed": torch.zeros(1024, 16),
        },
    ),
}


@pytest.mark.anyio
@pytest.mark.parametrize("spoil", WRONG_ENCODEC.values(), ids=WRONG_ENCODEC)
async def test_making_a_character_without_a_right_file(
    own_settings: Settings, tmp_path: Path, spoil: Spoil
) -> None:
    spoil(own_settings.models.path / "valle" / str(ENCODEC.converted))
    before = sorted(own_settings.presets.path.iterdir())
    command = parse_arguments(["character", "make", "Kai", str(clip(tmp_path)), *SAID])
    with pytest.raises(Unavailable, match="encodec_24khz-d7cc33bc") as refused:
        await clone.character(command, own_settings)
    assert refused.value.code == "bad_weights"
    assert any(page in str(refused.value.hint) for page in PAGES)
    assert sorted(own_settings.presets.path.iterdir()) == before
