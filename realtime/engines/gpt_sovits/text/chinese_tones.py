"""Tones of Chinese words as they are spoken: sandhi, neutral tones and the 儿 at a word's end.

A word is its characters, its part of speech in jieba's tags, and its syllables in pinyin, whose
last character is the tone, 5 for the neutral one. The words with a neutral tone are PaddleSpeech's,
read from misaki, which carries their list (Apache-2.0); six more and three fewer are GPT-SoVITS's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache

from realtime.text import chinese

NEUTRAL = "5"
_MORE_NEUTRAL = frozenset("情形 不在 老头 老太 打点 学生".split())
_LESS_NEUTRAL = frozenset("将军 戏弄 别人".split())
_PARTICLES = frozenset("吧呢哈啊呐噻嘛吖嗨呐哦哒额滴哩哟喽啰耶喔诶的地得")
_BEFORE_MEASURE = frozenset("几有两半多各整每做是")
_DIRECTIONS = frozenset("上下进出回过起开")
# By a word's last character: the tags with which it is neutral.
_NEUTRAL_ENDINGS = {
    **dict.fromkeys("们子", ("r", "n")),
    **dict.fromkeys("上下里", ("s", "l", "f")),
}
_ASPECTS = ("ul", "uz", "ug")  # jieba's tags of 了, 着 and 过
# Words whose 儿 keeps its own tone: it is a child, or no suffix. PaddleSpeech's list (Apache-2.0).
_CHILD = frozenset(
    """虐儿 为儿 护儿 瞒儿 救儿 替儿 有儿 一儿 我儿 俺儿 妻儿 拐儿 聋儿 乞儿 患儿 幼儿 孤儿
    婴儿 婴幼儿 连体儿 脑瘫儿 流浪儿 体弱儿 混血儿 蜜雪儿 舫儿 祖儿 美儿 应采儿 可儿 侄儿 孙儿
    侄孙儿 女儿 男儿 红孩儿 花儿 虫儿 马儿 鸟儿 猪儿 猫儿 狗儿 少儿""".split()
)
_SUFFIX = frozenset("小院儿 胡同儿 范儿 老汉儿 撒欢儿 寻老礼儿 妥妥儿 媳妇儿".split())
_NO_SUFFIX_TAGS = ("a", "j", "nr")  # an adjective, an abbreviation, a name

Syllables = list[str]


@dataclass(frozen=True)
class ChineseWord:
    """A word with its part of speech in jieba's tags."""

    text: str
    tag: str

    def joined(self, other: ChineseWord) -> ChineseWord:
        """Return the two as one word; it has the first one's tag."""
        return replace(self, text=self.text + other.text)

    @property
    def is_han(self) -> bool:
        """Tell a word from a sign."""
        return self.text >= "\u4e00"


def join_for_sandhi(
    words: Sequence[ChineseWord], readings: Callable[[str], Syllables]
) -> list[ChineseWord]:
    """Join the words between which a tone depends on the neighbour."""
    found = _join_yi(_join_bu(words))
    found = _join(found, lambda last, _, word: word.text == last.text)
    for whole in (True, False):
        found = _join_third_tones(found, readings, whole)
    return _join(found, lambda last, _, word: word.text == "儿")


def spoken_tones(word: ChineseWord, syllables: Syllables, suffixes: bool) -> Syllables:
    """Return a word's syllables with the tones that are spoken.

    With `suffixes` a 儿 at the end takes the tone before it; v1 was trained without.
    """
    spoken = list(syllables)
    _bu(word.text, spoken)
    _yi(word.text, spoken)
    _neutral(word, spoken)
    _third(word.text, spoken)
    if suffixes:
        _suffix(word, spoken)
    return spoken


def _join(
    words: Sequence[ChineseWord], together: Callable[[ChineseWord, ChineseWord, ChineseWord], bool]
) -> list[ChineseWord]:
    """Join a word with what was collected last; the test gets that, the word before, the word."""
    found: list[ChineseWord] = []
    for before, word in zip([None, *words], words, strict=False):
        if found and before is not None and word.is_han and together(found[-1], before, word):
            found[-1] = found[-1].joined(word)
        else:
            found.append(word)
    return found


def _join_bu(words: Sequence[ChineseWord]) -> list[ChineseWord]:
    """Join 不 with the word after it, whose tag the two get."""
    found: list[ChineseWord] = []
    waiting = False
    for word in words:
        if waiting and word.is_han:
            word = replace(word, text="不" + word.text)
        elif waiting:
            found.append(ChineseWord("不", "d"))
        waiting = word.text == "不"
        if not waiting:
            found.append(word)
    return [*found, ChineseWord("不", "d")] if waiting else found


def _join_yi(words: Sequence[ChineseWord]) -> list[ChineseWord]:
    """Join 看, 一, 看 to one word, and any other 一 with the word after it."""
    found: list[ChineseWord] = []
    place = 0
    while place < len(words):
        word = words[place]
        following = words[place + 1] if place + 1 < len(words) else None
        if (
            word.text == "一"
            and found
            and following
            and found[-1].text == following.text
            and found[-1].tag == following.tag == "v"
        ):
            found[-1] = found[-1].joined(word).joined(following)
            place += 2
        else:
            found.append(word)
            place += 1
    return _join(found, lambda last, before, word: last.text == "一")


def _join_third_tones(
    words: Sequence[ChineseWord], readings: Callable[[str], Syllables], whole: bool
) -> list[ChineseWord]:
    """Join two short words that are third tones, all of both or where they meet."""
    tones = ["".join(syllable[-1:] for syllable in readings(word.text)) for word in words]
    found: list[ChineseWord] = []
    joined = False
    for place, word in enumerate(words):
        before = words[place - 1] if place else None
        meet = place > 0 and tones[place - 1][-1:] == tones[place][:1] == "3"
        if whole and place:
            meet = {*tones[place - 1], *tones[place]} == {"3"}
        if (
            before is not None
            and meet
            and not joined
            and not _is_doubled(before.text)
            and len(before.text) + len(word.text) <= 3
        ):
            found[-1] = found[-1].joined(word)
            joined = True
        else:
            found.append(word)
            joined = False
    return found


def _is_doubled(text: str) -> bool:
    return len(text) == 2 and text[0] == text[1]


def _set(syllables: Syllables, place: int, tone: str) -> None:
    if syllables[place][-1:].isdigit():
        syllables[place] = syllables[place][:-1] + tone


def _tone(syllables: Syllables, place: int) -> str:
    return syllables[place][-1:]


def _bu(text: str, syllables: Syllables) -> None:
    if len(text) == 3 and text[1] == "不":  # 看不懂
        _set(syllables, 1, NEUTRAL)
        return
    for place, character in enumerate(text[:-1]):
        if character == "不" and _tone(syllables, place + 1) == "4":
            _set(syllables, place, "2")


def _yi(text: str, syllables: Syllables) -> None:
    if all(character.isnumeric() for character in text):  # part of a number
        return
    if len(text) == 3 and text[1] == "一" and text[0] == text[2]:
        _set(syllables, 1, NEUTRAL)
        return
    if text.startswith("第一"):
        _set(syllables, 1, "1")
        return
    for place, character in enumerate(text[:-1]):
        if character == "一":
            _set(syllables, place, "2" if _tone(syllables, place + 1) == "4" else "4")


def _neutral(word: ChineseWord, syllables: Syllables) -> None:
    text, tag = word.text, word.tag
    if tag[:1] in ("n", "v", "a") and text not in _never_neutral():
        for place in range(1, len(text)):
            if text[place] == text[place - 1]:
                _set(syllables, place, NEUTRAL)
    by_form = _neutral_place(text, tag)
    if by_form is not None:
        _set(syllables, by_form, NEUTRAL)
    first, second = _halves(text)
    for half, end in ((first, len(first)), (second, len(text))):
        if not {half, half[-2:]}.isdisjoint(_neutral_words()):
            _set(syllables, end - 1, NEUTRAL)


def _neutral_place(text: str, tag: str) -> int | None:
    """Return which character of a word is neutral by its form, if any."""
    last, measure = text[-1], text.find("个")
    if last in _PARTICLES or (text in ("了", "着", "过") and tag in _ASPECTS):
        return len(text) - 1
    if len(text) > 1:
        if tag in _NEUTRAL_ENDINGS.get(last, ()) and (
            last not in "们子" or text not in _never_neutral()
        ):
            return len(text) - 1
        if last in "来去" and text[-2] in _DIRECTIONS:
            return len(text) - 1
    if text == "个" or (
        measure > 0 and (text[measure - 1].isnumeric() or text[measure - 1] in _BEFORE_MEASURE)
    ):
        return measure
    return len(text) - 1 if not {text, text[-2:]}.isdisjoint(_neutral_words()) else None


def _third(text: str, syllables: Syllables) -> None:
    """Raise a third tone before another one, by the word's parts."""
    threes = [syllable[-1:] == "3" for syllable in syllables]
    if len(text) == 2 and all(threes):
        _set(syllables, 0, "2")
    elif len(text) == 3:
        _third_of_three(len(_halves(text)[0]), threes, syllables)
    elif len(text) == 4:
        for place in (0, 2):
            if threes[place] and threes[place + 1]:
                _set(syllables, place, "2")


def _third_of_three(first: int, threes: list[bool], syllables: Syllables) -> None:
    """Raise third tones of a word of three characters whose first part has `first` of them."""
    if first == 2 and threes[0] and threes[1]:  # 所有/人, 蒙古/包
        _set(syllables, 0, "2")
        if threes[2]:
            _set(syllables, 1, "2")
    elif first == 1 and threes[1] and threes[2]:  # 纸/老虎
        _set(syllables, 1, "2")
    elif first == 1 and threes[0] and threes[1]:  # 好/喜欢
        _set(syllables, 0, "2")


def _suffix(word: ChineseWord, syllables: Syllables) -> None:
    text = word.text
    if text[-1] != "儿" or not syllables[-1].startswith("er"):
        return
    if syllables[-1] == "er1":
        syllables[-1] = "er2"
    if text not in _SUFFIX and (text in _CHILD or word.tag in _NO_SUFFIX_TAGS):
        return
    if len(text) > 1 and syllables[-1] in ("er2", "er5") and text[-2:] not in _CHILD:
        _set(syllables, len(text) - 1, _tone(syllables, len(text) - 2))


@lru_cache(maxsize=4096)
def _halves_of(text: str) -> tuple[str, str]:
    shortest = min(chinese.parts_of_word(text), key=len)
    if text.startswith(shortest):
        return shortest, text[len(shortest) :]
    return text[: -len(shortest)], shortest


def _halves(text: str) -> tuple[str, str]:
    """Cut a word in two where its shortest part begins or ends."""
    return _halves_of(text) if len(text) > 1 else (text, "")


@cache
def _neutral_words() -> frozenset[str]:
    from misaki.tone_sandhi import ToneSandhi

    return frozenset(ToneSandhi().must_neural_tone_words) - _LESS_NEUTRAL | _MORE_NEUTRAL


@cache
def _never_neutral() -> frozenset[str]:
    from misaki.tone_sandhi import ToneSandhi

    return frozenset(ToneSandhi().must_not_neural_tone_words)
