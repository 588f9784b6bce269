"""A line: one thing to say, resolved and frozen."""

from __future__ import annotations

from dataclasses import dataclass, field

from realtime.characters import Character
from realtime.engines.options import Options
from realtime.speech.notices import LineNotice
from realtime.speech.second_voice import SecondVoice
from realtime.text.language import LANGUAGES

ASKABLE = (*LANGUAGES, "mix", "auto")  # languages that a client may ask for
SLOWEST, FASTEST = 0.25, 4.0
MOST_SEED = 2**63 - 1


@dataclass(frozen=True)
class Line:
    """The facts that decide how a line sounds; `language` is resolved, `engine` is chosen."""

    text: str
    character: Character
    language: str
    noaccent: bool = False
    longprompt: bool = False
    speed: float = 1.0
    seed: int = 0
    engine: str = "kokoro"
    options: Options = ()  # those that the engine takes
    then: SecondVoice | None = None  # the voice into which it is changed
    notices: tuple[LineNotice, ...] = field(default=(), compare=False)  # no part of its sound

    @property
    def accent(self) -> str | None:
        """Return the language whose native reads everything; None: each part keeps its own."""
        if self.noaccent:
            return None
        return self.character.language if self.language == "mix" else self.language

    @property
    def mode(self) -> str:
        return "long" if self.longprompt else "short"
