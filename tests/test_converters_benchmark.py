"""The benchmark of converters: voices of the published sizes, and tables of every part."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path

import pytest
import torch

from benchmarks import converters as benchmark
from benchmarks.converter_bench import sung_vowel
from benchmarks.converter_models import (
    FULL_CONTENT,
    STAGES,
    UNPITCHED,
    VOICES,
    bring_voices,
    ddsp_shape,
    random_state,
    rvc_shape,
    settings_for,
)
from benchmarks.converter_streams import block_sizes
from realtime.engines.contract import ConversionPlan
from realtime.engines.ddsp_svc.networks.voice import DdspVoice
from realtime.engines.rvc.networks.synthesizer import RvcSynthesizer
from realtime.engines.rvc.voice_file import read_voice
from realtime.engines.rvc.voice_files import find_voice
from realtime.engines.voice_features.pitch import share_pitch
from realtime.networks.hubert import Hubert

SMALL = ["--small", "--runs", "1", "--device", "cpu", "--threads", "1", "--seconds", "0.5"]
# Millions of numbers of a voice of DDSP-SVC, some of which are not used here.
PUBLISHED = {"6.0": 16.94, "6.1": 19.70, "6.2": 70.05, "6.3": 56.59}


def options(*more: str) -> Namespace:
    return benchmark.read_options([*SMALL, *more])


def millions(network: torch.nn.Module) -> float:
    return sum(value.numel() for value in network.parameters()) / 1e6


@pytest.mark.parametrize("version", PUBLISHED)
def test_voices_of_ddsp_svc_have_the_published_sizes(version: str) -> None:
    with torch.device("meta"):
        network = DdspVoice(ddsp_shape(version))
    assert millions(network) == pytest.approx(PUBLISHED[version], rel=0.005)


@pytest.mark.slow
def test_voices_of_rvc_have_the_published_sizes() -> None:
    with torch.device("meta"):
        found = {name: RvcSynthesizer(rvc_shape(name)) for name in STAGES}
        plain = RvcSynthesizer(rvc_shape("v2_40k" + UNPITCHED))
        content = Hubert(FULL_CONTENT)
    assert millions(found["v2_40k"]) == pytest.approx(27.5, rel=0.005)
    assert {name: network.hop for name, network in found.items()} == {
        "v1_48k": 480,
        "v2_32k": 320,
        "v2_40k": 400,
        "v2_48k": 480,
    }
    assert millions(plain) < millions(found["v2_40k"])
    assert millions(content) == pytest.approx(94.6, rel=0.005)


def test_random_weights_keep_signals_of_one_size() -> None:
    state = random_state(torch.nn.Linear(400, 300))
    assert float((torch.randn(50, 400) @ state["weight"].T).std()) == pytest.approx(1, abs=0.1)
    assert not state["bias"].any()


def test_a_voice_is_found_with_its_index(tmp_path: Path) -> None:
    (voice,) = bring_voices(tmp_path, ["rvc:v1_48k"], small=True, vectors=50)
    paths = find_voice(tmp_path / "rvc", voice.name)
    assert paths is not None and paths.index is not None
    assert voice.size == paths.voice.stat().st_size
    assert read_voice(paths.voice).version == "v1"


def test_a_pitch_is_heard_in_the_sound_that_is_converted(tmp_path: Path) -> None:
    sound = sung_vowel(1.0, 16_000)
    found = share_pitch("fcpe", settings_for(tmp_path, "cpu"), "cpu").pitch(sound)
    assert (found[10:-10] > 0).all()
    assert abs(sound).max() < 0.5


def test_on_a_gpu_the_shortest_blocks_are_tried_too() -> None:
    assert block_sizes(ConversionPlan(16_000, 40_000, 320, 8_000), "cpu") == [8_000, 16_000, 32_000]
    found = block_sizes(ConversionPlan(16_000, 40_000, 320, 1_600), "cuda:0")
    assert found == [320, 1_600, 3_200, 6_400]


@pytest.mark.slow
@pytest.mark.parametrize("part", benchmark.PARTS)
def test_every_part_makes_its_table(tmp_path: Path, part: str) -> None:
    written = tmp_path / "figures.json"
    voices = ["rvc:v2_40k", "ddsp_svc:6.1"]
    asked = options("--parts", part, "--voices", *voices, "--steps", "0", "1")
    asked.json = written
    benchmark.measure(asked)
    content = json.loads(written.read_text(encoding="utf-8"))
    rows = content[part]
    assert {row["voice"] for row in rows} == set(voices)
    assert all(set(row) == set(rows[0]) for row in rows)
    assert {row["program"] for row in content["published"]}
    if part == "parts":
        parts = [row["part"] for row in rows if row["voice"] == voices[0]]
        assert parts[:3] == ["content", "index", "pitch"]
        assert parts[-2:] == ["generator, eager", "generator, packed"]
        assert all(row["1 thr: s"] > 0 for row in rows)
    if part in ("files", "blocks"):
        assert {row["flow"] for row in rows} == {"-", "none", "1 steps"}
    if part == "blocks":
        assert [row["block ms"] for row in rows[:3]] == [500, 1000, 2000]
        assert all(row["delay ms"] > row["server ms"] >= 40 for row in rows)
        assert all((row["live here"] == "yes") == (row["streams"] > 0) for row in rows)
    if part == "memory":
        assert all(row["first MB"] > row["second MB"] for row in rows)


@pytest.mark.slow
@pytest.mark.parametrize("voice", VOICES)
def test_every_voice_can_be_loaded(tmp_path: Path, voice: str) -> None:
    asked = options("--parts", "files", "--voices", voice, "--steps", "0")
    rows = benchmark.measure(asked)["files"]
    assert [row["voice"] for row in rows] == [voice]
    assert rows[0]["1 thr: x real time"] > 0
