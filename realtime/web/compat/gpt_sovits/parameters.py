"""The parameters of `/tts`, read in the order in which the original refuses them."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from realtime import VERSION
from realtime.audio.formats import FORMATS, Format
from realtime.engines.options import Options, OptionValue, options_of
from realtime.settings import Settings
from realtime.speech.request import LineRequest
from realtime.web.compat.gpt_sovits.errors import ContractRefusal
from realtime.web.compat.gpt_sovits.values import (
    LooseField,
    Values,
    choice_of,
    flag_of,
    number_of,
    text_of,
    whole_of,
)
from realtime.web.requests.field_types import ChoiceField, NeededTextField
from realtime.web.requests.line import most_text

# The languages of a text, each as ours, and whether other languages in it keep their own sound.
LANGUAGES: Mapping[str, tuple[str, bool]] = {
    "auto": ("auto", True),
    "zh": ("zh", True),
    "all_zh": ("zh", False),
    "en": ("en", False),
    "ja": ("ja", True),
    "all_ja": ("ja", False),
}
MEDIA_TYPES: Mapping[str, Format] = {
    "wav": FORMATS["wav"],
    "raw": replace(FORMATS["pcm"], content_type="audio/raw"),
    "ogg": FORMATS["ogg"],
    "aac": FORMATS["aac"],
}
SPLIT_METHODS = ("cut0", "cut1", "cut2", "cut3", "cut4", "cut5")
STREAMING = {"0": False, "false": False, "1": True, "2": True, "3": True, "true": True}
ANY_SEED = -1
NEW_SEEDS = 2**31  # how many there are when each request has another one
MOST_SHOWN = 60  # characters of a value in a message
# Parameters that an engine may take as its options, with their readers.
OPTIONS: Mapping[str, Callable[[Values, str], OptionValue | None]] = {
    "top_k": whole_of,
    "top_p": number_of,
    "temperature": number_of,
    "repetition_penalty": number_of,
    "sample_steps": whole_of,
    "super_sampling": flag_of,
    "fragment_interval": number_of,
    "overlap_length": whole_of,
    "min_chunk_length": whole_of,
}

TEXT = NeededTextField("text", "The text that is spoken.", 1, most_text)
TEXT_LANG = NeededTextField(
    "text_lang", "Its language, in any case of letters.", choices=tuple(LANGUAGES)
)
REF_AUDIO_PATH = NeededTextField(
    "ref_audio_path",
    "Who speaks: its last part without suffix is a character's name or alias. It is never opened.",
    1,
)
PROMPT_LANG = NeededTextField(
    "prompt_lang", "Checked; a character keeps its own language.", choices=tuple(LANGUAGES)
)
VOICE_NAME = NeededTextField("voice_name", "A character's name or alias.", 1)
VOICE_LANG = ChoiceField("text_lang", "The text's language.", tuple(LANGUAGES), "zh")
SOUND_FIELDS = (
    ChoiceField("media_type", "The container format.", tuple(MEDIA_TYPES), "wav"),
    LooseField("streaming_mode", "0 or false: one body; 1, 2, 3, true: as it is made.", False),
    LooseField("speed_factor", "0.25 to 4; 1: as the character speaks.", 1.0),
    LooseField("seed", "The same seed gives the same samples; -1: any."),
    ChoiceField("text_split_method", "Where the engine cuts the text.", SPLIT_METHODS, "cut5"),
    *(LooseField(name, "An option of engines that have it.") for name in OPTIONS),
    *(
        LooseField(name, "Read and ignored: it does not change the sound here.")
        for name in ("batch_size", "batch_threshold", "split_bucket", "parallel_infer")
    ),
)
TTS_FIELDS = (
    *(TEXT, TEXT_LANG, REF_AUDIO_PATH, PROMPT_LANG),
    LooseField("prompt_text", "Read and ignored: a character keeps its own prompt."),
    LooseField("aux_ref_audio_paths", "Read and ignored: a character keeps its own clips."),
    *SOUND_FIELDS,
)
VOICE_FIELDS = (VOICE_NAME, TEXT, VOICE_LANG, *SOUND_FIELDS)


@dataclass(frozen=True)
class TtsRequest:
    """A line as a client of GPT-SoVITS asks for it, and the form of its sound."""

    clip: str  # a path, or the name of a voice
    text: str
    text_lang: str
    format: Format
    streamed: bool
    speed: float | None
    seed: int
    options: Options

    @property
    def streams_wav(self) -> bool:
        """Return whether a head with no frames goes before the samples."""
        return self.streamed and self.format is MEDIA_TYPES["wav"]

    def line_request(self, character: str | None, style: str, settings: Settings) -> LineRequest:
        """Return the line as a character speaks it, by the example of one of its styles."""
        language, noaccent = LANGUAGES[self.text_lang]
        seed = self.seed
        if seed == ANY_SEED:
            seed = secrets.randbelow(NEW_SEEDS) if settings.gpt_sovits_api.new_takes else 0
        return LineRequest(
            text=self.text,
            character=character,
            language=language,
            noaccent=noaccent,
            longprompt=len(self.text) > settings.limits.text,  # the original has no limit
            speed=self.speed,
            seed=seed,
            options=options_of({**dict(self.options), "style": style or None}),
        )


def read_tts(values: Values) -> TtsRequest:
    """Read the parameters of `/tts`."""
    clip = _needed(values, "ref_audio_path")
    text = _needed(values, "text")
    text_lang = _language(values, "text_lang")
    _language(values, "prompt_lang")
    return _read_sound(values, clip, text, text_lang)


def read_voice_tts(values: Values) -> TtsRequest:
    """Read the parameters of `/tts_with_cached_voice`, where a voice has its name."""
    voice = _needed(values, "voice_name")
    text = _needed(values, "text")
    return _read_sound(values, voice, text, _language(values, "text_lang", "zh"))


def _read_sound(values: Values, clip: str, text: str, text_lang: str) -> TtsRequest:
    """Read what all addresses have in common."""
    media_type = choice_of(values, "media_type", "wav")
    if media_type not in MEDIA_TYPES:
        raise ContractRefusal(f"media_type: {media_type[:MOST_SHOWN]} is not supported")
    method = choice_of(values, "text_split_method", "") if "text_split_method" in values else None
    if method is not None and method not in SPLIT_METHODS:
        raise ContractRefusal(f"text_split_method:{method[:MOST_SHOWN]} is not supported")
    streamed = STREAMING.get(str(values.get("streaming_mode") or "0").lower())
    if streamed is None:
        raise ContractRefusal(
            "the value of streaming_mode must be 0, 1, 2, 3(int) or true/false(bool)"
        )
    speed, seed = number_of(values, "speed_factor"), whole_of(values, "seed")
    options = {name: read(values, name) for name, read in OPTIONS.items()}
    return TtsRequest(
        clip=clip,
        text=text,
        text_lang=text_lang,
        format=MEDIA_TYPES[media_type],
        streamed=streamed,
        # Clients always send 1: it must not undo the speed of a character's card.
        speed=None if speed == 1.0 else speed,
        seed=ANY_SEED if seed is None else seed,
        options=options_of({**options, "text_split_method": method}),
    )


def _needed(values: Values, name: str) -> str:
    found = text_of(values, name)
    if not found:
        raise ContractRefusal(f"{name} is required")
    return found


def _language(values: Values, name: str, default: str = "") -> str:
    """Return a language in lower case, as GET and POST both take it."""
    language = choice_of(values, name, default) or _needed(values, name)
    if language not in LANGUAGES:
        shown = language[:MOST_SHOWN]
        raise ContractRefusal(f"{name}: {shown} is not supported in version {VERSION}")
    return language
