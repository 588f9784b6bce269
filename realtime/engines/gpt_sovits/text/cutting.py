"""Sentences of a text by the methods cut0 to cut5, as GPT-SoVITS's users know them.

Three things differ on purpose. A full stop that cut3 or cut4 cuts at stays, so that sentences which
are joined again keep their pause. English text gets no Chinese full stop. A number is never cut.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from realtime.engines.gpt_sovits.text.symbols import PUNCTUATION
from realtime.errors import BadRequest

SPLITTERS = "，。？！,.?!~:：—…"
LONGEST = 510  # characters of a sentence: BERT reads 512 tokens, two of them its own
SHORTEST = 5  # characters under which a piece is joined with the next
SHORT_OPENING = 4  # characters under which the first clause gets a pause before it
CLAUSES_TOGETHER = 4  # of cut1
CHARACTERS_TOGETHER = 50  # of cut2
_RUN = re.compile(f"([{re.escape(PUNCTUATION)}])[{re.escape(PUNCTUATION)}]+")
_AFTER_SPLITTER = re.compile(f"(?<=[{re.escape(SPLITTERS)}])")
_FIRST_CLAUSE = re.compile(f"[^{re.escape(SPLITTERS)}]*")
_AFTER_SIGN = re.compile(r"(?<=[,.;?!、，。？！：…])")
_STOP = re.compile(r"(?<!\d)\.(?!\d)")
_SPACES = re.compile(r"\s")
_REST_OF_NUMBER = {".": r"\d", ",": r"\d{3}(?!\d)", ":": r"\d\d(?!\d)", "：": r"\d\d(?!\d)"}
_SPEECH = re.compile(r"\w")


def cut(text: str, language: str, method: str) -> tuple[str, ...]:
    """Cut a text into sentences; none are left of a text without letters and digits."""
    if method not in METHODS:
        raise BadRequest(
            f"There is no way of cutting {method[:20]!r}; there are {', '.join(METHODS)}.",
            field="text_split_method",
        )
    text = shrink_signs(text).strip("\n")
    if not text:
        return ()
    opening = _FIRST_CLAUSE.match(text)
    if text[0] not in SPLITTERS and opening and len(opening[0].strip()) < SHORT_OPENING:
        text = full_stop(language) + text
    pieces = [piece for piece in METHODS[method](text, language).split("\n") if piece.strip(" ")]
    return tuple(
        short
        for sentence in _merge(pieces)
        if _SPEECH.search(sentence)
        for short in bound(with_end(sentence, language))
    )


def shrink_signs(text: str) -> str:
    """Leave the first of several signs in a row: the models repeat their prompt at such runs."""
    return _RUN.sub(r"\1", text)


def with_end(text: str, language: str) -> str:
    """Give a text a full stop unless it ends with a pause."""
    return text if text[-1:] in SPLITTERS and text else text + full_stop(language)


def full_stop(language: str) -> str:
    """Return the full stop of a language of a request."""
    return "." if language == "en" else "。"


def bound(sentence: str) -> list[str]:
    """Cut a sentence that is too long for BERT: between clauses, else at a space, else anywhere."""
    if len(sentence) <= LONGEST:
        return [sentence]
    pieces = [""]
    for clause in _AFTER_SPLITTER.split(sentence):
        while len(clause) > LONGEST:
            spaces = [match.end() for match in _SPACES.finditer(clause, 1, LONGEST)]
            place = spaces[-1] if spaces else LONGEST
            pieces.append(clause[:place])
            clause = clause[place:]
        if len(pieces[-1] + clause) > LONGEST:
            pieces.append("")
        pieces[-1] += clause
    return [piece for piece in pieces if _SPEECH.search(piece)]


def _whole(text: str, language: str) -> str:
    return "" if _is_signs(text) else text


def _by_four_clauses(text: str, language: str) -> str:
    clauses = _clauses(text, language)
    starts = range(0, max(1, len(clauses) - CLAUSES_TOGETHER), CLAUSES_TOGETHER)
    groups = [clauses[start : start + CLAUSES_TOGETHER] for start in starts]
    groups[-1] = clauses[starts[-1] :]  # the last group takes the remainder
    return _lines(groups) if len(groups) > 1 else text


def _by_fifty_characters(text: str, language: str) -> str:
    clauses = _clauses(text, language)
    if len(clauses) < 2:
        return text
    groups: list[list[str]] = [[]]
    for clause in clauses:
        if sum(map(len, groups[-1])) > CHARACTERS_TOGETHER:
            groups.append([])
        groups[-1].append(clause)
    if len(groups) > 1 and sum(map(len, groups[-1])) < CHARACTERS_TOGETHER:
        rest = groups.pop()
        groups[-1] += rest
    return _lines(groups)


def _at_chinese_stops(text: str, language: str) -> str:
    return _at_stops(text.strip("。").split("。"), "。")


def _at_english_stops(text: str, language: str) -> str:
    return _at_stops(_STOP.split(text.strip(".")), ".")


def _at_signs(text: str, language: str) -> str:
    pieces: list[str] = []
    for piece in _AFTER_SIGN.split(text):
        if pieces and _splits_number(pieces[-1], piece):
            pieces[-1] += piece
        else:
            pieces.append(piece)
    return "\n".join(piece for piece in pieces if piece.strip(",.;?!、，。？！：…"))


METHODS: Mapping[str, Callable[[str, str], str]] = {
    "cut0": _whole,
    "cut1": _by_four_clauses,
    "cut2": _by_fifty_characters,
    "cut3": _at_chinese_stops,
    "cut4": _at_english_stops,
    "cut5": _at_signs,
}


def _clauses(text: str, language: str) -> list[str]:
    text = text.replace("……", "。").replace("——", "，")
    return [clause for clause in _AFTER_SPLITTER.split(with_end(text, language)) if clause]


def _lines(groups: list[list[str]]) -> str:
    """Write each group of clauses on a line; the rest of a number goes with its beginning."""
    for group, following in zip(groups, groups[1:], strict=False):
        while group and following and _splits_number(group[-1], following[0]):
            group.append(following.pop(0))
    lines = ("".join(group) for group in groups)
    return "\n".join(line for line in lines if not _is_signs(line))


def _at_stops(pieces: Sequence[str], stop: str) -> str:
    """Write pieces on lines; all but the last keep the stop, unless they have another pause."""
    spoken = [piece for piece in pieces if not _is_signs(piece)]
    ended = [piece if piece[-1] in SPLITTERS else piece + stop for piece in spoken[:-1]]
    return "\n".join([*ended, *spoken[-1:]])


def _splits_number(before: str, after: str) -> bool:
    """Tell whether a cut would be inside 3.5, 1,234 or 12:30."""
    rest = _REST_OF_NUMBER.get(before[-1:])
    return rest is not None and before[-2:-1].isdigit() and re.match(rest, after) is not None


def _is_signs(text: str) -> bool:
    return not text.strip(PUNCTUATION + " ")


def _merge(pieces: Sequence[str]) -> list[str]:
    """Join pieces until they are long enough; a short remainder joins the one before."""
    merged: list[str] = []
    waiting = ""
    for piece in pieces:
        waiting += piece
        if len(waiting) >= SHORTEST:
            merged.append(waiting)
            waiting = ""
    if waiting and merged:
        merged[-1] += waiting
    elif waiting:
        merged.append(waiting)
    return merged
