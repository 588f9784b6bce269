"""English words as a Japanese speaker says them: phonemes to katakana."""

from __future__ import annotations

_ROWS = {
    "": "アイウエオ", "k": "カキクケコ", "ɡ": "ガギグゲゴ", "s": "サシスセソ", "z": "ザジズゼゾ",
    "n": "ナニヌネノ", "h": "ハヒフヘホ", "b": "バビブベボ", "p": "パピプペポ", "m": "マミムメモ",
    "l": "ラリルレロ", "ɹ": "ラリルレロ", "θ": "サシスセソ", "ð": "ザジズゼゾ", "v": "バビブベボ",
}  # fmt: skip
_LONG_ROWS = {
    "t": ("タ", "ティ", "トゥ", "テ", "ト"), "d": ("ダ", "ディ", "ドゥ", "デ", "ド"),
    "f": ("ファ", "フィ", "フ", "フェ", "フォ"), "w": ("ワ", "ウィ", "ウ", "ウェ", "ウォ"),
    "ʃ": ("シャ", "シ", "シュ", "シェ", "ショ"), "ʧ": ("チャ", "チ", "チュ", "チェ", "チョ"),
    "ʤ": ("ジャ", "ジ", "ジュ", "ジェ", "ジョ"), "ʒ": ("ジャ", "ジ", "ジュ", "ジェ", "ジョ"),
    "j": ("ヤ", "イ", "ユ", "イェ", "ヨ"), "T": ("タ", "ティ", "トゥ", "テ", "ト"),
}  # fmt: skip
ROWS = {name: tuple(row) for name, row in _ROWS.items()} | _LONG_ROWS
# The place of a vowel in its row (a i u e o), and the kana that follows it.
VOWELS = {
    "i": (1, "ー"), "ɪ": (1, ""), "ᵻ": (1, ""), "ɛ": (3, ""), "æ": (0, ""), "ɑ": (0, ""),
    "ʌ": (0, ""),
    "ə": (0, ""), "ɐ": (0, ""), "ɜ": (0, "ー"), "ɔ": (4, "ー"), "ɒ": (4, ""), "ʊ": (2, ""),
    "u": (2, "ー"),
    "A": (3, "イ"), "I": (0, "イ"), "W": (0, "ウ"), "Y": (4, "イ"), "O": (4, "ー"), "Q": (4, "ー"),
}  # fmt: skip
# A consonant without a vowel after it borrows one.
ALONE = {
    "n": "ン", "ŋ": "ング", "t": "ト", "d": "ド", "T": "ト", "ʧ": "チ", "ʤ": "ジ", "ʃ": "シュ",
    "ʒ": "ジュ",
    "ɹ": "ー", "w": "ウ", "j": "イ", "h": "", "m": "ム", "l": "ル",
}  # fmt: skip


def of_english(word: str) -> str:
    """Write an English word in katakana by its sound."""
    from realtime.text import english

    return of_phonemes("".join(sound.phonemes for sound in english.read(word)))


def of_phonemes(phonemes: str) -> str:
    kana, waiting = "", ""
    for phoneme in phonemes:
        if phoneme in VOWELS:
            place, rest = VOWELS[phoneme]
            kana += ROWS.get(waiting, ROWS[""])[place] + rest
            waiting = ""
        elif phoneme in ROWS or phoneme in ALONE:
            kana += _alone(waiting, kana, phoneme)
            waiting = phoneme
    kana += _alone(waiting, kana, "")
    while "ーー" in kana:
        kana = kana.replace("ーー", "ー")
    return kana


def _alone(consonant: str, before: str, after: str) -> str:
    if not consonant:
        return ""
    if consonant == "m" and after in ("p", "b"):
        return "ン"
    if consonant == "ɹ" and not before:
        return "ル"
    return ALONE.get(consonant, ROWS.get(consonant, ("",) * 5)[2])
