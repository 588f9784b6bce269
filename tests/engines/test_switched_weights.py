"""An engine whose weights are switched is known by what it can do."""

from __future__ import annotations

from pathlib import Path

from realtime.engines.switched_weights import Part, SwitchesWeights
from realtime.engines.tone import Tone
from realtime.settings import Settings


class Switched(Tone):
    """An engine that remembers what it was given."""

    switched_character: str | None = None

    def switch(self, part: Part, file: Path) -> None:
        self.switched_character = f"{part} {file.name}"


def test_what_an_engine_must_have() -> None:
    engine = Switched(Settings())
    assert isinstance(engine, SwitchesWeights) and not isinstance(Tone(Settings()), SwitchesWeights)
    engine.switch("gpt", Path("models/a.ckpt"))
    assert engine.switched_character == "gpt a.ckpt"
