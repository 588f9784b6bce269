"""The phone tables of GPT-SoVITS: `v1` with 322 symbols, `v2` with 732 for all later versions.

The embedding's rows follow this order, so a symbol more or less would shift all that come after.
The tables are made by rule; the tests hold their digests.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import product
from typing import Literal

from realtime.errors import BadRequest

Table = Literal["v1", "v2"]
TABLES: tuple[Table, ...] = ("v1", "v2")

UNKNOWN = "UNK"
PUNCTUATION = "!?…,.-"  # what a text's signs become; all other signs have no phone
SILENCES = ("SP", "SP2", "SP3")
INITIALS = tuple("b c ch d f g h j k l m n p q r s sh t w x y z zh".split())
VOWEL_ONSETS = ("AA", "EE", "OO")  # stand where a syllable has no initial
FINALS = tuple(
    """E En a ai an ang ao e ei en eng er i i0 ia ian iang iao ie in ing iong ir iu o ong ou u ua
    uai uan uang ui un uo v van ve vn""".split()
)
TONES = "12345"
_JAPANESE = (
    "I N U a b by ch cl d dy e f g gy h hy i j k ky m my n ny o p py r ry s sh t ts u v w y z"
).split()
_ENGLISH_VOWELS = "AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW".split()
_ENGLISH = [f"{vowel}{stress}" for vowel, stress in product(_ENGLISH_VOWELS, "012")]
_ENGLISH += "ER IH B CH D DH F G HH JH K L M N NG P R S SH T TH V W Y Z ZH".split()
_PITCH = ("[", "]")  # a rise and a fall of Japanese; v1 does not have them
_KOREAN = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎㅏㅐㅓㅔㅗㅜㅡㅣ停空"
_CANTONESE_INITIALS = "b c d f gw h j kw l ng s w z".split()
_CANTONESE_BOTH = "a aa ai ak au e g k m n o oi ok on ou p t uk".split()  # bare and with a tone
_CANTONESE_FINALS = """aai aak aam aan aang aap aat aau am an ang ap at ei ek eng eoi eon eot i ik
    im in ing ip it iu oe oek oeng ong ot u ui un ung ut yu yun yut""".split()


@cache
def symbols(table: Table) -> tuple[str, ...]:
    """Return the symbols of a table in the order of its embedding."""
    first = {"_", *INITIALS, *VOWEL_ONSETS, *PUNCTUATION, *SILENCES, UNKNOWN}
    first |= {final + tone for final, tone in product(FINALS, TONES)}
    first |= {*_JAPANESE, *_ENGLISH}
    if table == "v1":
        return tuple(sorted(first))
    return (*sorted(first), *_PITCH, *sorted(_KOREAN), *sorted(_cantonese()))


@cache
def numbers(table: Table) -> Mapping[str, int]:
    """Return the number of each symbol of a table."""
    return {symbol: number for number, symbol in enumerate(symbols(table))}


def known_table(name: str) -> Table:
    """Return the name of a table, checked."""
    for table in TABLES:
        if name == table:
            return table
    raise BadRequest(
        f"There is no phone table {name[:20]!r}; there are v1 and v2.", field="symbols"
    )


def with_unknown(phones: Iterable[str], table: Table) -> tuple[str, ...]:
    """Replace the phones that a table does not have by UNK, as in the models' training."""
    known = numbers(table)
    return tuple(phone if phone in known else UNKNOWN for phone in phones)


def encode(phones: Sequence[str], table: Table) -> tuple[int, ...]:
    """Return the numbers of phones; those of a phone outside the table are UNK's."""
    known = numbers(table)
    return tuple(known.get(phone, known[UNKNOWN]) for phone in phones)


def _cantonese() -> list[str]:
    bare = [*_CANTONESE_INITIALS, *_CANTONESE_BOTH]
    toned = product((*_CANTONESE_BOTH, *_CANTONESE_FINALS), "123456")
    return [f"Y{name}" for name in bare] + [f"Y{final}{tone}" for final, tone in toned]
