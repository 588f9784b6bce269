"""English in GPT-SoVITS's phones: by the CMU dictionary, else by the project's English reader.

That reader also tells which of a homograph's readings is meant, for example of `read` and `house`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from realtime.engines.gpt_sovits.text.arpabet import same_sound, to_arpabet
from realtime.engines.gpt_sovits.text.phone_reading import PhoneReading
from realtime.text import english
from realtime.text.pronunciations import pronunciations

FEWEST = 4  # phones under which a text begins with a pause
LONGEST_SPELLED = 3  # letters of an unknown word that is said letter by letter
LONGEST_WORD = 40  # letters; what is longer is no word, and is read in parts
_TOKEN = re.compile(r"[A-Za-z]+(?:['-][A-Za-z]+)*|[,.?!-]")
# Words that the models' dictionary has of its own, and some that are letters, whatever CMU says.
_OWN = {
    "chatgpt": "ch ae1 t jh iy1 p iy1 t iy1", "json": "jh ey1 s ah0 n", "conda": "k aa1 n d ah0",
}  # fmt: skip
_SPELLED = frozenset("ae ai ar ios hud os".split())
_VOICELESS = frozenset("P T K F TH HH".split())
_HISSING = frozenset("S Z SH ZH CH JH".split())


def speak(text: str) -> PhoneReading:
    """Return the phones of a normalised English text."""
    tokens = _TOKEN.findall(text)
    in_context = _homographs(text, tokens)
    phones: list[str] = []
    for place, token in enumerate(tokens):
        if not token[0].isalpha():
            phones.append(token)
        elif token == "A":
            phones.append("EY1")
        else:
            phones += in_context.get(place) or _read_word(token.lower())
    if len(phones) < FEWEST:
        phones.insert(0, ",")
    return PhoneReading(text, phones, [])


def _homographs(text: str, tokens: Sequence[str]) -> dict[int, list[str]]:
    """Return the phones of the homographs among the tokens, by their places."""
    places = [place for place, token in enumerate(tokens) if english.is_homograph(token)]
    if not places:
        return {}
    sounds = [(sound.text.lower(), sound.phonemes) for sound in english.read(text)]
    found: dict[int, list[str]] = {}
    for place in places:
        word = tokens[place].lower()
        while sounds:
            said, phonemes = sounds.pop(0)
            if said == word:
                found[place] = _nearest(word, to_arpabet(phonemes))
                break
    return found


def _nearest(word: str, phones: list[str]) -> list[str]:
    """Return the dictionary's pronunciation with the sounds of `phones`, if there is one."""
    entries = [entry.upper().split() for entry in pronunciations(word)]
    return next((entry for entry in entries if same_sound(entry, phones)), phones)


@lru_cache(maxsize=4096)
def _read_word(word: str) -> tuple[str, ...]:
    """Return the phones of a word in lower case, without its neighbours."""
    if len(word) > LONGEST_WORD:
        return _read_word(word[:LONGEST_WORD].strip("'-")) + _read_word(word[LONGEST_WORD:])
    entries = [] if word in _SPELLED else pronunciations(word)
    if word in _OWN:
        entries = [_OWN[word]]
    if entries:
        return tuple(entries[0].upper().split())
    if "-" in word:
        return tuple(phone for part in word.split("-") for phone in _read_word(part))
    if word.endswith("'s"):
        return _possessive(_read_word(word[:-2]))
    word = word.replace("'", "")
    if len(word) <= LONGEST_SPELLED:
        return tuple(phone for letter in word for phone in _letter(letter))
    return tuple(to_arpabet("".join(sound.phonemes for sound in english.read(word))))


def _letter(letter: str) -> tuple[str, ...]:
    return ("EY1",) if letter == "a" else _read_word(letter)


def _possessive(phones: tuple[str, ...]) -> tuple[str, ...]:
    last = phones[-1] if phones else ""
    if last in _VOICELESS:
        return (*phones, "S")
    return (*phones, "AH0", "Z") if last in _HISSING else (*phones, "Z")
