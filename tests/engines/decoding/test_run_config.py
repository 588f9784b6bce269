"""Settings that are `auto` become what suits the machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from realtime.engines.decoding.run_config import RunConfig, choose_run
from realtime.settings import ValleSettings


def choose(folder: Path, gpu: bool = False, flags: str = "avx2", **valle: Any) -> RunConfig:
    """Choose for a machine with these processor flags, with or without a GPU."""
    processor = folder / "cpuinfo"
    processor.write_text(f"flags : fpu {flags}\n")
    wanted = ValleSettings(**valle)
    return choose_run(wanted, wanted.reproducible, lambda: gpu, processor)


def test_a_gpu_records_its_steps_in_short_floats(tmp_path: Path) -> None:
    run = choose(tmp_path, gpu=True)
    assert (run.device, run.precision, run.plan) == ("cuda", "bf16", "graphs")
    assert run.batch_sizes == (1, 4, 8, 16)


def test_a_processor_uses_short_floats_when_it_has_them(tmp_path: Path) -> None:
    assert choose(tmp_path).precision == "fp32"
    assert choose(tmp_path, flags="avx512_bf16").precision == "bf16"
    assert choose(tmp_path).batch_sizes == (1, 2, 3, 4)


def test_explicit_settings_are_followed(tmp_path: Path) -> None:
    run = choose(tmp_path, gpu=True, device="cpu", precision="fp16", plan="compile", slots=5)
    assert run == RunConfig("cpu", "fp16", "compile", 5, (1, 4, 5))


def test_reproducible_has_one_size(tmp_path: Path) -> None:
    assert choose(tmp_path, slots=8, reproducible=True).batch_sizes == (8,)
