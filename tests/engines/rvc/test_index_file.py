"""Indexes as faiss wrote them: what is near, and files that say more than they hold."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from realtime.engines.rvc.features import protect_unvoiced, repeat_frames
from realtime.engines.rvc.index_file import IndexFile
from realtime.errors import Unavailable
from tests.support.converter_files import converter_fixture
from tests.support.rvc_files import index_bytes

PIPELINE = converter_fixture("rvc_pipeline")
FEATURES = PIPELINE["in.feats"][0]


def opened(tmp_path: Path, data: bytes) -> IndexFile:
    path = tmp_path / "added_IVF17_Flat_nprobe_1_nana_v2.index"
    path.write_bytes(data)
    return IndexFile(path)


def lists_of(*sizes: int) -> list[np.ndarray]:
    random = np.random.default_rng(3)
    return [
        random.standard_normal((size, 4)).astype(np.float32) + 5 * at
        for at, size in enumerate(sizes)
    ]


def test_what_is_near_is_what_faiss_finds(tmp_path: Path) -> None:
    index = opened(tmp_path, PIPELINE["in.index_file"].tobytes())
    assert (index.numbers, index.count) == (24, 700)
    found = index.search(FEATURES)
    assert np.array_equal(found.ids, PIPELINE["out.ids"])
    np.testing.assert_allclose(found.distances, PIPELINE["out.score"], atol=1e-5)
    vectors = PIPELINE["in.index_vectors"]
    assert np.array_equal(found.vectors, vectors[found.ids])


@pytest.mark.parametrize("share", [0.0, 0.6, 1.0])
@pytest.mark.parametrize("protect", [0.5, 0.33, 0.0])
def test_the_features_are_those_of_the_original(
    tmp_path: Path, share: float, protect: float
) -> None:
    index = opened(tmp_path, PIPELINE["in.index_file"].tobytes())
    found = protect_unvoiced(
        repeat_frames(index.blend(FEATURES, share), 60),
        repeat_frames(FEATURES, 60),
        PIPELINE["in.pitchf"][0].astype(np.float64),
        protect,
    )
    expected = PIPELINE[f"out.feats_rate{share}_protect{protect}"][0]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_query_that_is_stored_is_a_number(tmp_path: Path) -> None:
    """The original divides by its distance, 0: what one hears then is a click, or nothing."""
    assert PIPELINE["out.exact_is_nan"].all()
    index = opened(tmp_path, PIPELINE["in.index_file"].tobytes())
    stored = PIPELINE["in.index_vectors"][:5].copy()
    blended = index.blend(stored, 1.0)
    assert np.isfinite(blended).all()
    np.testing.assert_allclose(blended, stored, atol=1e-4)


def test_lists_with_few_vectors_give_those_that_there_are(tmp_path: Path) -> None:
    index = opened(tmp_path, PIPELINE["in.index_small_file"].tobytes())
    found = index.search(FEATURES)
    assert np.array_equal(found.ids, PIPELINE["out.small_ids"]) and (found.ids < 0).any()
    blended = index.blend(FEATURES, 0.6)
    assert np.isfinite(blended).all()
    expected = PIPELINE["out.small_feats_rate0.6_protect0.5"][0][::2]
    there = np.isfinite(expected)
    np.testing.assert_allclose(blended[there], expected[there], atol=1e-5)


@pytest.mark.parametrize("sparse", [False, True])
def test_an_empty_list_leaves_a_feature_as_it_is(tmp_path: Path, sparse: bool) -> None:
    index = opened(tmp_path, index_bytes(lists_of(9, 0, 3), sparse))
    query = np.full((1, 4), 9.0, np.float32)  # where the empty list's centroid is
    assert (index.search(query).ids == -1).all()
    assert np.array_equal(index.blend(query, 1.0), query)
    other = lists_of(9, 0, 3)[2][:1]
    assert index.search(other).ids[0, 0] == 9


def test_a_file_cut_anywhere_is_refused(tmp_path: Path) -> None:
    data = index_bytes(lists_of(3, 2))
    for size in range(len(data)):
        with pytest.raises(Unavailable, match="nana_v2.index cannot be used"):
            opened(tmp_path, data[:size])
    opened(tmp_path, data)


@pytest.mark.parametrize("value", [0, -1, 5, 1 << 31, 1 << 40, (1 << 63) - 1])
def test_a_count_that_the_file_does_not_hold_is_refused(tmp_path: Path, value: int) -> None:
    """Each whole number of 8 bytes at its place: no memory is asked for by any of them."""
    data = index_bytes(lists_of(3, 2))
    vectors = data.index(b"full") + 4 + 8
    places = [8, 37, data.index(b"IxF2") + 8, data.index(b"IxF2") + 37]
    places += [data.index(b"ilar") + 4, data.index(b"ilar") + 12, vectors - 8, vectors, vectors + 8]
    for at in places:
        changed = bytearray(data)
        struct.pack_into("<q", changed, at, value)
        if bytes(changed) == data:
            continue
        with pytest.raises(Unavailable, match="cannot be used"):
            opened(tmp_path, bytes(changed))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"IvPQ" + bytes(200), "IvPQ"),
        (b"\x80\x02cos\nsystem\n", "unknown"),
        (index_bytes(lists_of(3, 2), metric=0), "another distance"),
        (index_bytes(lists_of(3, 2)).replace(b"IxF2", b"IxFI"), "centroids"),
        (index_bytes(lists_of(3, 2)).replace(b"ilar", b"ilxx"), "lists"),
        (index_bytes(lists_of(0, 0)), "trained"),
    ],
)
def test_other_kinds_are_refused_by_name(tmp_path: Path, data: bytes, why: str) -> None:
    with pytest.raises(Unavailable, match=why) as refused:
        opened(tmp_path, data)
    assert refused.value.code == "bad_weights"
