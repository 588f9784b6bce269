"""What is there and what goes first, decided without a disk."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from realtime.cache.index import Index
from tests.support.recordings import address


def shelf_of(count: int, size: int = 10) -> Index:
    shelf = Index()
    for number in range(count):
        shelf.put(address(str(number)), ".wav", size)
    return shelf


def names(shelf: Index, most: int) -> list[str]:
    return [entry.address.slug for entry in shelf.surplus(most)]


def test_the_longest_unheard_goes_first() -> None:
    shelf = shelf_of(3)
    shelf.note_heard(address("0").key)
    assert names(shelf, 10) == ["1", "2"]
    assert names(shelf, 30) == []


def test_what_is_being_read_stays() -> None:
    shelf = shelf_of(3)
    shelf.get(address("0").key).readers += 1  # type: ignore[union-attr]
    assert names(shelf, 0) == ["1", "2"]


def test_other_formats_count_and_replace_themselves() -> None:
    shelf = shelf_of(1)
    shelf.put(address("0"), ".ogg", 5)
    shelf.put(address("0"), ".ogg", 7)
    assert shelf.bytes == 17
    assert shelf.forget(address("0").key) is not None
    assert (shelf.bytes, len(shelf)) == (0, 0)


def test_a_scan_never_passes_what_was_heard_since() -> None:
    shelf = shelf_of(1)
    for number in (2, 1):  # the last heard comes first
        shelf.add_older(address(str(number)), ((".wav", 10),))
    assert names(shelf, 0) == ["1", "2", "0"]


def test_texts_that_look_alike_the_newest_first() -> None:
    shelf = Index()
    for mode in ("short", "long"):
        shelf.put(address("hello", mode=mode), ".wav", 1)
    shelf.put(address("hello", character="other"), ".wav", 1)
    found = shelf.find_by_slug("en", "bell", ("short", "long"), "hello")
    assert [entry.address.character for entry in found] == ["bell"]


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 99), st.booleans()), max_size=40),
    st.integers(0, 500),
)
def test_after_the_surplus_went_the_rest_fits(puts: list[tuple[int, int, bool]], most: int) -> None:
    shelf = Index()
    for number, size, ogg in puts:
        shelf.put(address(str(number)), ".ogg" if ogg else ".wav", size)
    for entry in shelf.surplus(most):
        shelf.forget(entry.address.key)
    assert shelf.bytes == sum(entry.bytes for entry in shelf) <= most or not len(shelf)
