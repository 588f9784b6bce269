"""The words of a clip: as a request gives them, or as a recogniser writes them down."""

from __future__ import annotations

from contextlib import AsyncExitStack

from realtime.cloning.voice_kind import SpokenWords, VoiceClip
from realtime.conversion.by_words.sentence import Sentence
from realtime.conversion.by_words.transcriber import RECOGNISER, Transcriber
from realtime.errors import BadRequest, TextTooLong, Unavailable
from realtime.models.loaded import LoadedModels
from realtime.text.language import LANGUAGES, resolve_language
from realtime.text.normalise import clean

ASKABLE = ("auto", *LANGUAGES)
MOST_TEXT = 500  # characters; nobody says more in a clip


def checked_language(language: str) -> str:
    if language not in ASKABLE:
        raise unknown_language(language)
    return language


def checked_text(text: str | None, most_seconds: float) -> str | None:
    """Return the cleaned text; None where a recogniser has to write it."""
    if text is None or not text.strip():
        return None
    if len(text) > MOST_TEXT:
        raise TextTooLong(
            f"The text has {len(text)} characters; nobody says more than {MOST_TEXT} "
            f"in {most_seconds:g} s.",
            field="text",
            values={"length": len(text), "limit": MOST_TEXT},
        )
    return clean(text)


def spoken_words(text: str, language: str) -> SpokenWords:
    """Return a text with its one language; refuse a text in several."""
    found = resolve_language(text, language)
    if found not in LANGUAGES:
        raise BadRequest(
            "The text is in several languages; a voice has one of its own.",
            code="unknown_language",
            hint=f"Name it in the field language: {', '.join(LANGUAGES)}.",
            field="language",
        )
    return SpokenWords(text, found)


async def transcribe(clip: VoiceClip, language: str, models: LoadedModels) -> SpokenWords:
    """Let a recogniser write down what is said in a clip."""
    import soxr

    async with AsyncExitStack() as stack:
        try:
            lease = await stack.enter_async_context(models.recogniser(RECOGNISER).lease())
        except (Unavailable, BadRequest) as error:
            raise BadRequest(
                "The text that is spoken in the clip is needed: no recogniser is ready here.",
                code="text_required",
                hint=f"Say it in the field text. {error.message} {error.hint or ''}".strip(),
                field="text",
            ) from error
        samples = soxr.resample(clip.samples, clip.rate, lease.engine.sample_rate)
        found = await Transcriber(lease, language).transcribe(Sentence(samples, 0))
    if found.language not in LANGUAGES or not found.spoken:
        raise unknown_language(found.language)
    text = clean(found.text)
    if not text:
        raise BadRequest(
            "No words are understood in the clip.",
            code="no_speech",
            hint="If somebody does speak in it, say the words in the field text.",
            field="audio",
        )
    return spoken_words(text[:MOST_TEXT], found.language)


def nothing_said() -> BadRequest:
    return BadRequest(
        "The text holds nothing that can be spoken.", code="nothing_to_say", field="text"
    )


def unknown_language(language: str) -> BadRequest:
    return BadRequest(
        f"The language is {language[:40]!r}; there are: {', '.join(LANGUAGES)}.",
        code="unknown_language",
        field="language",
    )
