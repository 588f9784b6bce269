"""The language of each part of a text: by its tags, else by its script."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

LANGUAGES = ("en", "zh", "ja")

_TAG = re.compile(r"\[(EN|ZH|JA)\]")
_KANA = re.compile(r"[\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fd-\u30ff\u31f0-\u31ff]")
_HAN = re.compile(r"[\u3005-\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U000323af]")
_LATIN_WORD = re.compile(r"[A-Za-z\u00c0-\u024f\u1e00-\u1eff]+(?:['’.&+-]?[A-Za-z\u00c0-\u024f]+)*")
_RUN = re.compile(
    r"(?P<latin>[A-Za-z\u00c0-\u024f\u1e00-\u1eff]+)"
    r"|(?P<kana>[\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff]+)"
    r"|(?P<han>[\u3005-\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U000323af]+)"
    r"|(?P<other>[^A-Za-z\u00c0-\u024f\u1e00-\u1eff\u3005-\u3007\u3041-\u3096\u309d-\u309f\u30a1-\u30fa"
    r"\u30fc-\u30ff\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U000323af]+)"
)
_SENTENCE = re.compile(r"[^。！？!?\n]*[。！？!?\n]*")

UNITS = frozenset("km kg cm mm ml GB MB kHz Hz".split())
FEW_WORDS = 0.25  # share of Latin words, two characters each, up to which a text is no mixture


@dataclass(frozen=True)
class Segment:
    """A part of a text that is in one language."""

    text: str
    language: str


def resolve_language(text: str, language: str) -> str:
    """Return the language of a text for `auto`, `mix` when it has several; else `language`."""
    if language != "auto":
        return language
    tags = {tag.lower() for tag in _TAG.findall(text)}
    if tags:
        return tags.pop() if len(tags) == 1 and not _untagged_speech(text) else "mix"
    kana, han = len(_KANA.findall(text)), len(_HAN.findall(text))
    words = len(_LATIN_WORD.findall(text))
    if not kana + han:
        return "en"
    native = "ja" if kana else "zh"
    if native == "ja" and _chinese_share(text) > 0.4:
        return "mix"
    return native if 2 * words <= FEW_WORDS * (kana + han) else "mix"


def segments(text: str, language: str, context: str = "") -> list[Segment]:
    """Cut a text into parts by language; `context` is the sentence around it, if it is a piece."""
    found, _ = tagged_segments(text, language, None, context)
    return found


def tagged_segments(
    text: str, language: str, open_tag: str | None, context: str = ""
) -> tuple[list[Segment], str | None]:
    """Cut a piece that begins inside a tag; return also the tag that is open at its end."""
    found: list[Segment] = []
    place = 0
    for tag in _TAG.finditer(text):
        found += _span(text[place : tag.start()], language, open_tag, context or text)
        name = tag[1].lower()
        open_tag = None if open_tag == name else name
        place = tag.end()
    found += _span(text[place:], language, open_tag, context or text)
    return _joined(found), open_tag


def _span(text: str, language: str, tag: str | None, context: str) -> Iterator[Segment]:
    if not text:
        return
    if tag is not None:
        yield Segment(text, tag)
        return
    japanese = language == "ja" or (language != "ja" and _KANA.search(context) is not None)
    native = language if language in LANGUAGES else None
    current, waiting = None, ""
    for run in _RUN.finditer(text):
        owner = _owner(run, japanese)
        if owner is None:  # digits and signs stay with what is before them
            waiting += run[0]
            continue
        if current is None or owner == current:
            current, waiting = owner, waiting + run[0]
        else:
            yield Segment(waiting, current)
            current, waiting = owner, run[0]
    if waiting:
        yield Segment(waiting, current or native or "en")


def _owner(run: re.Match[str], japanese: bool) -> str | None:
    """Return the language of a run of one script; None for signs, digits and their units."""
    if run["latin"]:
        before = run.string[: run.start()].rstrip(" ")[-1:]
        unit = before == "°" or (before.isdigit() and run[0] in UNITS)
        return None if unit else "en"
    if run["kana"] or (run["han"] and japanese):
        return "ja"
    return "zh" if run["han"] else None


def _joined(parts: list[Segment]) -> list[Segment]:
    joined: list[Segment] = []
    for part in parts:
        if joined and (joined[-1].language == part.language or not part.text.strip()):
            joined[-1] = Segment(joined[-1].text + part.text, joined[-1].language)
        else:
            joined.append(part)
    return joined


def _untagged_speech(text: str) -> bool:
    open_tag, place = None, 0
    outside = ""
    for tag in _TAG.finditer(text):
        if open_tag is None:
            outside += text[place : tag.start()]
        open_tag = None if open_tag == tag[1] else tag[1]
        place = tag.end()
    if open_tag is None:
        outside += text[place:]
    return any(sign.isalnum() for sign in outside)


def _chinese_share(text: str) -> float:
    """Return the share of a text with kana that stands in sentences without any.

    Those sentences may be Chinese.
    """
    alone = total = 0
    for sentence in _SENTENCE.findall(text):
        han = len(_HAN.findall(sentence))
        kana = len(_KANA.findall(sentence))
        total += han + kana
        if not kana:
            alone += han
    return alone / total if total else 0.0
