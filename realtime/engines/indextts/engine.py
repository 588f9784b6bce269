"""IndexTTS-2.5 as the server sees it: its characters, its options and its files.

The model runs in another process, in the environment `engines/indextts/.venv`: its licence forbids
that we ship it, and it needs other versions of libraries than ours.
"""

from __future__ import annotations

from typing import Any

from realtime import blocks
from realtime.characters import Character, IndexTtsVoice
from realtime.engines.contract import Utterance
from realtime.engines.file_digest import FileDigests
from realtime.engines.indextts.options import OPTIONS, voice_for_adapter
from realtime.engines.outside import protocol
from realtime.engines.outside.adapters.indextts import FILES, SAMPLE_RATE
from realtime.engines.outside.engine import OutsideSynthesizer
from realtime.engines.placeable import device_of_load, usable_device
from realtime.errors import BadRequest
from realtime.settings import Settings
from realtime.weights import WeightFile, find_path, weights_missing

REVISION = "1"  # raised when the same files sound different
WEIGHTS = ("gpt.pth", "s2mel.pth", "codec.pth")  # whose digests are part of the version


class IndexTts(OutsideSynthesizer):
    """The engine `indextts`: one model, which speaks in the voice of any clip."""

    name = "indextts"
    adapter = "indextts"
    environment = "indextts"
    languages = frozenset({"en", "zh", "ja"})
    sample_rate = SAMPLE_RATE
    first_piece = 2.0
    work = 3.0
    keeps_time = False
    block = blocks.CORE
    options = OPTIONS
    weights = tuple(WeightFile("indextts", name, origin=origin) for name, origin in FILES)

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._folder = settings.models.path / self.name
        self._digests, self._loaded_version = FileDigests(), ""
        self._placed = ""

    @property
    def version(self) -> str:
        """Return the part of a recording's key that changes with whatever changes the sound."""
        return self._loaded_version or self._current_version()

    def check_files(self) -> None:
        """Refuse to run without its files, or without the environment that has the package."""
        for file in self.weights:
            if find_path(file, self.settings) is None:
                raise weights_missing(file, self.settings)
        self.python()

    def load(self) -> None:
        self.check_files()
        version = self._current_version()
        super().load()
        self._loaded_version = version

    def unload(self) -> None:
        super().unload()
        self._loaded_version, self._placed = "", ""

    def load_options(self) -> dict[str, Any]:
        own = self.settings.indextts
        return {
            "model_dir": str(self._folder.resolve()),
            "device": self.runs_on(),
            "fp16": own.fp16,
            "attention": own.attention,
        }

    def wanted_device(self) -> str:
        return usable_device(self.settings, self.name, self.settings.indextts.device)

    def place(self, device: str) -> None:
        self._placed = device

    def runs_on(self) -> str:
        return device_of_load(self._placed or self.wanted_device())

    def can_speak(self, character: Character) -> bool:
        return isinstance(character.voice, IndexTtsVoice)

    def request(self, utterance: Utterance) -> protocol.Speak:
        voice = utterance.character.voice
        if not isinstance(voice, IndexTtsVoice):
            raise BadRequest(
                f"The character {utterance.character.name!r} has no clip for IndexTTS, "
                "so the engine 'indextts' cannot speak it.",
                field="engine",
            )
        message = super().request(utterance)
        message.voice = voice_for_adapter(voice, utterance.options)
        return message

    def _current_version(self) -> str:
        own = self.settings.indextts
        kind = f"{REVISION} {own.attention}{' fp16' if own.fp16 else ''}"
        return self._digests.version(kind, [self._folder / name for name in WEIGHTS])
