"""The index: recordings there are, and which are removed first."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from realtime.cache.index import Index
from tests.support.recordings import address


def index_of(count: int, size: int = 10) -> Index:
    index = Index()
    for number in range(count):
        index.put(address(str(number)), ".wav", size)
    return index


def removed_first(index: Index, most: int) -> list[str]:
    return [entry.address.slug for entry in index.surplus(most)]


def test_the_longest_unheard_goes_first() -> None:
    index = index_of(3)
    index.note_heard(address("0").key)
    assert removed_first(index, 10) == ["1", "2"]
    assert removed_first(index, 30) == []


def test_what_is_being_read_stays() -> None:
    index = index_of(3)
    read = index.get(address("0").key)
    assert read is not None
    read.readers += 1
    assert removed_first(index, 0) == ["1", "2"]


def test_other_formats_count_and_replace_themselves() -> None:
    index = index_of(1)
    index.put(address("0"), ".ogg", 5)
    index.put(address("0"), ".ogg", 7)
    assert index.bytes == 17
    assert index.forget(address("0").key) is not None
    assert (index.bytes, len(index)) == (0, 0)


def test_a_scan_never_passes_what_was_heard_since() -> None:
    index = index_of(1)
    for number in (2, 1):  # the last heard comes first
        index.add_older(address(str(number)), ((".wav", 10),))
    assert removed_first(index, 0) == ["1", "2", "0"]


def test_texts_that_look_alike_the_newest_first() -> None:
    index = Index()
    for mode in ("short", "long"):
        index.put(address("hello", mode=mode), ".wav", 1)
    index.put(address("hello", character="other"), ".wav", 1)
    found = index.find_by_slug("en", "bell", ("short", "long"), "hello")
    assert [entry.address.character for entry in found] == ["bell"]


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 99), st.booleans()), max_size=40),
    st.integers(0, 500),
)
def test_after_the_surplus_went_the_rest_fits(puts: list[tuple[int, int, bool]], most: int) -> None:
    index = Index()
    for number, size, ogg in puts:
        index.put(address(str(number)), ".ogg" if ogg else ".wav", size)
    for entry in index.surplus(most):
        index.forget(entry.address.key)
    assert index.bytes == sum(entry.bytes for entry in index) <= most or not len(index)
