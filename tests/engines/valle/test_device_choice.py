"""What the settings leave open is what suits the machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from realtime.engines.valle.device_choice import Run, chosen
from realtime.settings import Settings, ValleSettings


def run(folder: Path, gpu: bool = False, flags: str = "avx2", **said: Any) -> Run:
    processor = folder / "cpuinfo"
    processor.write_text(f"flags : fpu {flags}\n")
    return chosen(Settings(valle=ValleSettings(**said)), lambda: gpu, processor)


def test_a_gpu_records_its_steps_in_short_floats(tmp_path: Path) -> None:
    found = run(tmp_path, gpu=True)
    assert (found.device, found.precision, found.plan) == ("cuda", "bf16", "graphs")
    assert found.batches == (1, 4, 8, 16)


def test_a_processor_uses_short_floats_when_it_has_them(tmp_path: Path) -> None:
    assert run(tmp_path).precision == "fp32"
    assert run(tmp_path, flags="avx512_bf16").precision == "bf16"
    assert run(tmp_path).batches == (1, 2, 3, 4)


def test_what_is_said_is_done(tmp_path: Path) -> None:
    found = run(tmp_path, gpu=True, device="cpu", precision="fp16", plan="compile", slots=5)
    assert found == Run("cpu", "fp16", "compile", 5, (1, 4, 5))


def test_reproducible_has_one_size(tmp_path: Path) -> None:
    assert run(tmp_path, slots=8, reproducible=True).batches == (8,)
