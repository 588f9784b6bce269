"""The benchmark of GPT-SoVITS: models of the published sizes, forced lengths, and every part."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import torch

from benchmarks import gpt_sovits as benchmark
from benchmarks.gpt_sovits_bench import TEXTS, Bench
from benchmarks.gpt_sovits_models import SAMPLING, SMALL_WIDTHS, make_files, sovits_network
from benchmarks.gpt_sovits_parts import PARTS, STAGES, speak_together
from realtime.engines.gpt_sovits.manner import Manner
from realtime.engines.gpt_sovits.networks.text_to_semantic import TextToSemantic
from realtime.engines.gpt_sovits.versions import VERSIONS, is_skipped
from tests.support.gpt_sovits_files import full_size_keys

KEYS = {"v3": "v4"}  # both have the same tensors
SMALL = ["--device", "cpu", "--precision", "fp32", "--small", "--runs", "1"]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(benchmark.read_options(SMALL), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", VERSIONS)
def test_the_sizes_are_the_published_ones(name: str) -> None:
    published = full_size_keys(KEYS.get(name, name))
    with torch.device("meta"):
        state = sovits_network(name).state_dict()
    made: dict[str, set[tuple[int, ...]]] = {}
    for key, value in state.items():
        made.setdefault(numberless(key), set()).add(tuple(value.shape))
    wanted = {  # of many shapes the list has the first ones
        key.replace("weight_v", "weight"): set(shapes)
        for key, shapes in published.items()
        if not is_skipped(key, VERSIONS[name]) and not key.endswith("weight_g")
    }
    assert made.keys() == wanted.keys()
    assert [key for key in made if not wanted[key] <= made[key]] == []


def numberless(name: str) -> str:
    return re.sub(r"\.\d+(?=\.)", ".N", name)


def test_a_step_reads_most_of_the_published_numbers() -> None:
    with torch.device("meta"):
        state = TextToSemantic().state_dict()
    assert sum(weight.numel() for weight in state.values()) == 77_606_402
    read = ("h.layers.", "ar_predict_layer.")
    assert sum(w.numel() for n, w in state.items() if n.startswith(read)) == 76_182_016


@pytest.mark.slow
def test_a_text_has_the_characters_of_the_guide_and_ends_where_it_is_told(bench: Bench) -> None:
    assert [len(text.text) for text in TEXTS] == [2, 20, 35]
    voice = bench.voice("v2ProPlus")
    sounds = voice.speak(bench.line(TEXTS[0]), Manner(SAMPLING))
    samples = sum(sound.size for sound in sounds if sound is not None)
    assert samples == TEXTS[0].codes * 1280
    found = speak_together(bench, voice, bench.line(TEXTS[0]), 1)
    assert min(found.values()) > 0
    assert sum(found.values()) <= 2 * found["whole"]


@pytest.mark.slow
def test_random_weights_are_numbers() -> None:
    for name in ("v2ProPlus", "v4"):
        files = make_files(name, SMALL_WIDTHS)
        for file in (files.gpt, files.sovits):
            assert all(value.isfinite().all() for value in file.state.values())


@pytest.mark.slow
@pytest.mark.parametrize("part", PARTS)
def test_every_part_makes_its_table(tmp_path: Path, part: str) -> None:
    written = tmp_path / "figures.json"
    asked = ["--parts", part, "--batches", "1", "2", "--batch-text", "0", "--cfm-steps", "1"]
    benchmark.measure(benchmark.read_options([*SMALL, *asked, "--json", str(written)]))
    rows = json.loads(written.read_text(encoding="utf-8"))[part]
    assert rows and all(set(row) == set(rows[0]) for row in rows)
    if part == "texts":
        assert [row["KB"] for row in rows] == [36, 61, 84, 54, 92, 127]
        assert all(row["whole s"] >= row[f"{stage} s"] - 0.01 for row in rows for stage in STAGES)
    if part == "batches":
        assert [row["lines"] for row in rows] == [1, 2, 1, 2]
    if part == "cfm":
        assert {row["version"] for row in rows} == {"v4"}
