"""An engine with several models, which lie in a folder as people bring them."""

from __future__ import annotations

import threading
from pathlib import Path

from realtime.engines.tone import Tone
from realtime.weights import WeightFile


class BroughtModels(Tone):
    """An engine `brought`, whose models are the folders of `models/brought`.

    A model with the file `broken` does not load; one whose gate is closed waits.
    """

    name = "brought"

    def __init__(self, folder: Path, model: str = "") -> None:
        self.model = model
        self.folder = folder
        self.loads = 0
        self.gate = threading.Event()
        self.gate.set()

    def find_models(self) -> list[str]:
        return sorted(path.name for path in self.folder.glob("brought/*"))

    def has_model(self, model: str) -> bool:
        return model in self.find_models()

    def with_model(self, model: str) -> BroughtModels:
        return BroughtModels(self.folder, model)

    def files_of(self, model: str) -> str | None:
        return "model.pt"

    @property
    def weights(self) -> tuple[WeightFile, ...]:  # type: ignore[override]
        return (WeightFile("brought", f"{self.model}/model.pt"),) if self.model else ()

    def load(self) -> None:
        self.loads += 1
        assert self.gate.wait(20)
        if (self.folder / "brought" / self.model / "broken").exists():
            raise RuntimeError("a broken file")


def bring(folder: Path, model: str, size: int = 1_000) -> Path:
    """Put a model there as people do, and return its folder."""
    place = folder / "brought" / model
    place.mkdir(parents=True)
    (place / "model.pt").write_bytes(bytes(size))
    return place
