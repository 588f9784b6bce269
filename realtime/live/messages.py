"""The messages of the live protocol `yamabiko.v1`, as types.

They are its definition: `docs/protocol.schema.json` is made from them, with their docstrings as
descriptions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from realtime.engines.options import MOST_NUMBER, MOST_OPTIONS, MOST_TEXT, NAME
from realtime.speech.line import ASKABLE, FASTEST, MOST_SEED, SLOWEST
from realtime.speech.notices import LineNotice

MOST_ID = 64

# A type must spell its values out; a test compares them with `audio.samples.RATES`.
Rate = Literal[8000, 16000, 22050, 24000, 44100, 48000]


def _number(least: float, most: float) -> Meta:
    expected = f"a number from {least:g} to {most:g}"
    return Meta(ge=least, le=most, extra={"expected": expected})


Id = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MOST_ID,
        description="chosen by the client, unique among its live utterances",
        extra={"expected": f"a text of 1 to {MOST_ID} characters"},
    ),
]
Language = Annotated[str, Meta(extra_json_schema={"enum": list(ASKABLE)})]
Speed = Annotated[float, _number(SLOWEST, FASTEST)]
Seed = Annotated[
    int,
    Meta(ge=0, le=MOST_SEED, extra={"expected": f"a whole number from 0 to {MOST_SEED}"}),
]
OptionName = Annotated[str, Meta(pattern=f"^{NAME}$")]
OptionValue = (
    bool
    | Annotated[int, Meta(ge=-MOST_NUMBER, le=MOST_NUMBER)]
    | Annotated[float, Meta(ge=-MOST_NUMBER, le=MOST_NUMBER)]
    | Annotated[str, Meta(max_length=MOST_TEXT)]
    | None
)
Options = Annotated[
    dict[OptionName, OptionValue],
    Meta(
        max_length=MOST_OPTIONS,
        description="options of the engine, by name; it ignores those that it does not have",
        extra={"expected": f"an object with at most {MOST_OPTIONS} options: numbers, flags, texts"},
    ),
]
ConverterOptions = Annotated[
    dict[OptionName, OptionValue],
    Meta(
        max_length=MOST_OPTIONS,
        description="options of the engine, by name; one that it does not have is refused",
        extra={"expected": f"an object with at most {MOST_OPTIONS} options: numbers, flags, texts"},
    ),
]
MARK = f"a number, or a text of up to {MOST_ID} characters"
Mark = (
    Annotated[int, Meta(ge=-(2**63), le=2**63 - 1, extra={"expected": MARK})]
    | float
    | Annotated[str, Meta(max_length=MOST_ID)]
)


class _FromClient(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A message of a client; a field that is not declared is refused."""


class Say(_FromClient, frozen=True, tag="say"):
    """Speak a text; with `more` it is the beginning of one that follows."""

    id: Id
    more: bool = False
    text: str = ""
    character: str | None = None
    language: Language = "auto"
    noaccent: bool = False
    longprompt: bool = False
    speed: Speed | None = None
    seed: Seed = 0
    engine: str | None = None
    options: Options | None = None
    then: str | None = None
    sample_rate: Rate = 24000
    timestamps: bool = False
    pace: bool = True


class Text(_FromClient, frozen=True, tag="text"):
    """A further part of a text that is being written."""

    id: Id
    text: str


class Flush(_FromClient, frozen=True, tag="flush"):
    """Speak what is there now."""

    id: Id


class End(_FromClient, frozen=True, tag="end"):
    """The end of a text that was being written."""

    id: Id


class Cancel(_FromClient, frozen=True, tag="cancel"):
    """Stop one utterance at once."""

    id: Id


class Clear(_FromClient, frozen=True, tag="clear"):
    """Stop every utterance at once."""


class Ping(_FromClient, frozen=True, tag="ping"):
    """Ask for a `pong` with the same `t`."""

    t: Mark | None = None


class Listen(_FromClient, frozen=True, tag="listen"):
    """A microphone follows in binary messages: PCM16LE, mono, without a header."""

    id: Id
    mode: Literal["convert", "revoice"] = "convert"
    engine: str | None = None
    model: str = ""
    character: str | None = None
    language: Language = "auto"
    sample_rate: Rate = 24000
    output_sample_rate: Rate | None = None
    pitch: Annotated[float, _number(-24, 24)] | None = None
    formant: Annotated[float, _number(0.5, 2)] | None = None
    breath: Annotated[float, _number(0, 1)] | None = None
    effect: Literal["none", "robot", "whisper"] = "none"
    gate: Annotated[float, _number(-90, 0)] | None = None
    denoise: Literal["off", "light", "full"] = "off"
    options: ConverterOptions | None = None
    meter: bool = False


class ListenEnd(_FromClient, frozen=True, tag="listen.end"):
    """The microphone is closed."""

    id: Id


class Played(_FromClient, frozen=True, tag="played"):
    """The seconds of a conversion's stream that its listener has played."""

    id: Id
    seconds: Annotated[float, _number(0, 1e9)]


class Limits(Struct, frozen=True):
    """The limits of one socket."""

    text: int
    long_text: int
    utterances: int
    message_bytes: int
    ahead_seconds: float
    sample_rates: tuple[int, ...]


class TimedWord(Struct, frozen=True):
    """A piece of the text and when it is heard, in seconds from the utterance's first sample."""

    text: str
    start: float
    end: float


class Timing(Struct, frozen=True):
    """Milliseconds since the utterance was asked for, or its first clause was complete."""

    queue: float
    text: float
    first_audio: float
    total: float


class Ready(Struct, frozen=True, tag="ready"):
    """The first message of a server."""

    protocol: str
    session: str
    limits: Limits
    engines: tuple[str, ...]
    characters: tuple[str, ...]
    converter_voices: tuple[str, ...]
    time_ms: int


class Started(Struct, frozen=True, tag="started"):
    """An utterance is being spoken; its sound comes in binary messages with this `stream`."""

    id: str
    stream: int
    sample_rate: int
    character: str | None
    engine: str
    cache: Literal["hit", "join", "miss"] | None
    url: str | None


class Timestamps(Struct, frozen=True, tag="timestamps"):
    """Words of an utterance, before or with their sound."""

    id: str
    words: tuple[TimedWord, ...]


class Heard(Struct, frozen=True, tag="heard"):
    """Speech that begins or ends in the microphone, with its text where it was understood."""

    id: str
    event: Literal["speech_started", "speech_stopped"]
    text: str | None = None
    language: str | None = None


class Done(Struct, frozen=True, tag="done"):
    """An utterance was sent to its end."""

    id: str
    duration: float
    url: str | None
    timing: Timing
    notices: tuple[LineNotice, ...]


class Cancelled(Struct, frozen=True, tag="cancelled"):
    """An utterance was stopped: no sound of it follows."""

    id: str


class Error(Struct, frozen=True, tag="error"):
    """A failure; with an `id`, the end of that utterance."""

    code: str
    message: str
    hint: str | None = None
    values: dict[str, str | int | float] | UnsetType = UNSET
    id: str | UnsetType = UNSET


class Notice(Struct, frozen=True, tag="notice"):
    """A change of how well a conversion goes, or a part of it that will not be heard."""

    id: str
    code: Literal["larger_blocks", "bypass", "recovered", "left_out", "not_spoken"]
    message: str
    load: float | UnsetType = UNSET  # computing time by sounding time, measured at load


class Meter(Struct, frozen=True, tag="meter"):
    """Times of a conversion: milliseconds, medians since the last such message."""

    id: str
    seconds: float
    queue: float
    engine: float
    block: float
    latency: float
    factor: float


class Pong(Struct, frozen=True, tag="pong"):
    """The answer to a `ping`."""

    t: int | float | str | None
    time_ms: int


FromClient = Say | Text | Flush | End | Cancel | Clear | Ping | Listen | ListenEnd | Played
FromServer = Ready | Started | Timestamps | Heard | Done | Cancelled | Error | Notice | Meter | Pong


@dataclass(frozen=True)
class Close:
    """The end of a session: a close code of the socket and a reason for people."""

    code: int
    reason: str
