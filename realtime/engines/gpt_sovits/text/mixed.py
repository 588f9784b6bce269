"""Parts of a text by language: what a request's language means, and how a mixture is cut.

Latin words are English in every request. Where a request leaves the language open, kana decide for
Japanese, Hangul for Korean; Han characters are Chinese unless their sentence says otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from realtime.engines.gpt_sovits.text.chinese_expressions import UNITS
from realtime.engines.gpt_sovits.text.symbols import Table
from realtime.errors import BadRequest
from realtime.text.language import Segment

OPEN = ("auto", "auto_yue")  # the text decides
LANGUAGES: Mapping[Table, tuple[str, ...]] = {
    "v1": ("auto", "en", "zh", "ja", "all_zh", "all_ja"),
    "v2": (
        *OPEN, "en", "zh", "ja", "yue", "ko", "all_zh", "all_ja", "all_yue", "all_ko",
    ),
}  # fmt: skip

_LATIN = "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff"
_KANA = "\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\uff66-\uff9f"
_HAN = "\u3005-\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_HANGUL = "\u1100-\u11ff\u3130-\u318f\uac00-\ud7af"
_RUN = re.compile(
    rf"(?P<latin>[{_LATIN}\uff21-\uff3a\uff41-\uff5a]+)|(?P<kana>[{_KANA}]+)|(?P<han>[{_HAN}]+)"
    rf"|(?P<hangul>[{_HANGUL}]+)|(?P<other>[^{_LATIN}\uff21-\uff3a\uff41-\uff5a{_KANA}{_HAN}{_HANGUL}]+)"
)
_SENTENCE = re.compile(r"[^。！？!?\n]*[。！？!?\n]*")
_HAS_KANA = re.compile(f"[{_KANA}]")
_HAN_RUN = re.compile(f"[{_HAN}]+")
# Words of Chinese sentences that Japanese ones do not have, among characters that both write.
_CHINESE = frozenset("的你他她它吗呢吧这那没么很都们")
_UNIT = re.compile(rf"(?:{'|'.join(map(re.escape, sorted(UNITS, key=len, reverse=True)))})$")


def known_language(name: str, table: Table) -> str:
    """Return the language of a request in lower case, checked."""
    language = name.lower()
    if language not in LANGUAGES[table]:
        raise BadRequest(
            f"There is no language {name[:20]!r}; there are {', '.join(LANGUAGES[table])}.",
            field="text_lang",
        )
    return language


def parts(text: str, language: str) -> list[Segment]:
    """Cut a text into parts of one language each; together they are the text."""
    joined: list[Segment] = []
    for found in _owned(text, language):
        if joined and joined[-1].language == found.language:
            joined[-1] = Segment(joined[-1].text + found.text, found.language)
        else:
            joined.append(found)
    if not language.endswith("yue"):
        return joined
    return [Segment(p.text, "yue" if p.language == "zh" else p.language) for p in joined]


def _owned(text: str, language: str) -> Iterator[Segment]:
    """Yield runs of one script with their languages; what has none is joined to a neighbour."""
    native = _native(language)
    context = bool(_HAS_KANA.search(text))
    before, waiting = "", ""
    for sentence in _SENTENCE.findall(text):
        chinese = _is_chinese(sentence)
        for run in _RUN.finditer(sentence):
            owner = _owner(run, language, context, chinese)
            if owner is None:
                waiting += run[0]
                continue
            given, kept = _share(waiting, before, owner, named=language not in OPEN)
            if given:
                yield Segment(given, before or native)
            before, waiting = owner, ""
            yield Segment(kept + run[0], owner)
    if waiting:
        yield Segment(waiting, before or native)


def _share(waiting: str, before: str, after: str, named: bool) -> tuple[str, str]:
    """Divide what is between two runs: digits go to the one that is not English, signs stay.

    At the start of a text digits before English are the request's, if it names a language.
    """
    digit = re.search(r"[-+]?[\d.]*\d", waiting)
    if not before:
        return (waiting, "") if digit and named and after == "en" else ("", waiting)
    if digit and before == "en" and after != "en":
        return waiting[: digit.start()], waiting[digit.start() :]
    return waiting, ""


def _native(language: str) -> str:
    if language in OPEN:
        return "zh"
    native = language.removeprefix("all_")
    return "zh" if native == "yue" else native


def _owner(run: re.Match[str], language: str, kana: bool, chinese: bool) -> str | None:
    """Return the language of a run; None for digits, signs, and units behind digits."""
    native = _native(language)
    if run["other"]:
        return None
    if run["latin"]:
        unit = native != "en" and _is_unit(run)
        return None if unit else "en"
    if run["hangul"]:
        return "ko"
    if run["kana"]:
        return "ja"
    if language in OPEN or native == "en":
        if not kana:
            return "zh"
        return "zh" if chinese and _shows_chinese(run[0], run.string) else "ja"
    return native if native in ("ja", "zh") else "zh"


def _is_unit(run: re.Match[str]) -> bool:
    """Tell whether a Latin run is a unit of measure behind a number."""
    rest = run.string[run.start() :]
    unit = re.match(rf"(?:{'|'.join(map(re.escape, UNITS))})(?![{_LATIN}/])", rest)
    inner = run.string[: run.end()].endswith(("km/h", "m/s")) and run[0] in ("h", "s")
    number = re.search(r"\d\s?°?$", run.string[: run.start()])
    return bool(inner or (number and (unit or _UNIT.fullmatch(run[0]))))


def _is_chinese(sentence: str) -> bool:
    return any(_chinese_only(run) for run in _HAN_RUN.findall(sentence))


def _shows_chinese(run: str, sentence: str) -> bool:
    """Tell whether Han characters are Chinese: they show it, or their sentence has no kana."""
    return _chinese_only(run) or not _HAS_KANA.search(sentence)


def _chinese_only(text: str) -> bool:
    """Tell whether a text has characters that Japanese is not written with."""
    if not _CHINESE.isdisjoint(text):
        return True
    try:
        text.encode("cp932")
    except UnicodeEncodeError:
        return True
    return False
