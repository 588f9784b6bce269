"""The settings of engines, devices, APIs and acceleration, and the field that every setting is."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PLANS = ("auto", "eager", "compile", "graphs", "eager_graphs", "onnx", "tensorrt")
PRECISIONS = ("fp32", "fp16", "bf16")


def setting(default: Any, help: str, **limits: Any) -> Any:
    """Make a dataclass field of a default, an explanation and its limits.

    Limits are `least` and `most`, `one_of`, the `keys` of a mapping, the `choices` of a list, the
    `words` that may stand in its place, and `secret`, which keeps the value out of the repr and out
    of messages.
    """
    metadata = {"help": help, **limits}
    if isinstance(default, dict):
        return field(default_factory=lambda: types.MappingProxyType(default), metadata=metadata)
    return field(default=default, metadata=metadata, repr=not limits.get("secret"))


@dataclass(frozen=True)
class GpuSettings:
    device: str = setting(
        "auto",
        "device of the models whose device is auto: auto, cpu, cuda, or a GPU such as cuda:0",
    )
    auto_cleanup_enabled: bool = setting(
        True, "whether models are unloaded by themselves: idle ones, and where memory runs out"
    )
    cleanup_threshold_percent: float = setting(
        85.0,
        "use of a device's memory from which unused models are unloaded",
        least=1,
        most=100,
    )
    idle_timeout_minutes: float = setting(
        30.0,
        "minutes after which an unused model is unloaded, unless preload names its engine",
        least=0.01,
        most=525_600,
    )
    max_memory_usage_percent: float = setting(
        90.0, "use of a GPU's memory beyond which no model is loaded on it", least=1, most=100
    )
    memory_monitoring_enabled: bool = setting(
        True, "whether the memory of the machine and of its GPUs is watched"
    )
    memory_monitoring_interval: float = setting(
        2.0, "seconds between two looks at the memory", least=0.25, most=3_600
    )


@dataclass(frozen=True)
class RevoiceSettings:
    model: str = setting("base", "Whisper model: a folder of models/revoice, or a size")
    threads: int = setting(0, "threads of the recogniser; 0: as models.threads", least=0, most=256)
    beam: int = setting(
        1, "beam size: candidate transcripts of a sentence that are followed", least=1, most=16
    )
    device: str = setting("cpu", "device of the recogniser", one_of=("cpu", "cuda"))
    pause_seconds: float = setting(
        0.35, "seconds of silence that end a sentence", least=0.15, most=5
    )


@dataclass(frozen=True)
class VocoderSettings:
    use_vocoder_optimization: bool = setting(
        True, "whether vocoders run in their quick forms; false: step by step, as published"
    )
    vocoder_chunk_size: int = setting(
        500, "mel frames that a vocoder computes at once", least=1, most=100_000
    )
    vocoder_overlap_ratio: float = setting(
        0.0,
        "share of a chunk that is computed again beside it; at least what its sound depends on",
        least=0,
        most=0.9,
    )
    batch: int = setting(4, "chunks, of several recordings too, in one run", least=1, most=64)
    device: str = setting(
        "auto", "where vocoders run: auto, cpu, cuda; several, as cuda:0,cuda:1, share the work"
    )
    plan: str = setting(
        "auto", "acceleration plan of vocoders; auto: the quickest here", one_of=PLANS
    )
    precision: str = setting("fp32", "precision of vocoders", one_of=PRECISIONS)
    prepare_seconds: float = setting(
        300.0, "how long a vocoder may prepare its shapes when it is opened", least=0, most=86_400
    )
    use_tensorrt: bool = setting(False, "whether the plan is tensorrt, whatever plan says")
    tensorrt_precision: str = setting("fp16", "precision of TensorRT", one_of=("fp32", "fp16"))
    tensorrt_workspace_size: int = setting(
        1 << 30, "bytes that TensorRT may build with", least=1 << 20, most=1 << 40
    )
    tensorrt_max_batch_size: int = setting(
        4, "chunks of one run that TensorRT builds for", least=1, most=64
    )


@dataclass(frozen=True)
class AccelerationSettings:
    enabled: bool = setting(True, "whether networks run in their quick forms; false: as torch runs")
    path: Path = setting(Path("cache/.engines"), "folder of built engines and of measured choices")
    cache_bytes: int = setting(
        8 << 30, "bytes of built engines; those unused for longest go first", least=0, most=1 << 50
    )
    auto_seconds: float = setting(
        120.0, "seconds after which the plan auto tries no further plan", least=0, most=86_400
    )
    idle_seconds: float = setting(
        2.0,
        "idle seconds after which the most used shapes are prepared; 0: never while serving",
        least=0,
        most=3_600,
    )
    graphs: int = setting(64, "recorded graphs of a network held at once", least=1, most=4_096)
    graph_bytes: int = setting(
        4 << 30, "bytes of a network's recorded graphs", least=0, most=1 << 50
    )
    tuned: bool = setting(False, "whether compiling tries more kernels, for minutes")
    memory_fraction: float = setting(
        0.0, "part of a GPU's memory that this server may take; 0: all", least=0, most=1
    )
    autocast: bool = setting(
        False, "whether fp16 and bf16 apply per operation, with weights left in fp32"
    )
    clear_memory: bool = setting(
        True, "whether memory held unused is given back when a device runs out or an engine unloads"
    )


def _device_of(engine: str) -> Any:
    return setting("auto", f"device of {engine}", one_of=("auto", "cpu", "cuda"))


def _precision_of(networks: str) -> Any:
    return setting(
        "auto",
        f"precision of {networks}; auto: bf16 where the device has it",
        one_of=("auto", *PRECISIONS),
    )


@dataclass(frozen=True)
class DecodingSettings:
    """Settings of an engine that decodes step by step, many lines in one batch."""

    device: str = _device_of("the engine")
    precision: str = _precision_of("its steps")
    plan: str = setting(
        "auto",
        "acceleration plan of its steps; auto: graphs on CUDA, else eager",
        one_of=("auto", "eager", "compile", "graphs"),
    )
    slots: int = setting(0, "lines in one batch of steps; 0: 16 on CUDA, else 4", least=0, most=64)


@dataclass(frozen=True)
class GptSovitsSettings(DecodingSettings):
    device: str = _device_of("GPT-SoVITS")
    first_codes: int = setting(
        16, "codes (40 ms each) after which a line's first sound is made", least=4, most=1_500
    )
    overlap_codes: int = setting(2, "codes that neighbouring chunks share", least=1, most=20)


@dataclass(frozen=True)
class ValleSamplingSettings:
    temperature: float = setting(
        1.0, "randomness of the choice of codes; 0: always the likeliest", least=0, most=10
    )
    top_k: int = setting(0, "codes that are chosen from; 0: all", least=0, most=1_025)
    top_p: float = setting(
        1.0, "share of the likeliest codes that are chosen from", least=0, most=1
    )
    best_of: int = setting(1, "times a piece is spoken; the likeliest is kept", least=1, most=16)
    repetition_guard: int = setting(
        0, "equal codes in a row after which another seed is tried; 0: never", least=0, most=1_650
    )


@dataclass(frozen=True)
class ValleSettings(DecodingSettings):
    device: str = _device_of("VALL-E X")
    precision: str = _precision_of("VALL-E X")
    reproducible: bool = setting(
        False, "whether every step has the same batch size, so that other lines change no rounding"
    )
    sampling: ValleSamplingSettings = field(default_factory=ValleSamplingSettings)


@dataclass(frozen=True)
class IndexTtsSettings:
    device: str = _device_of("IndexTTS")
    fp16: bool = setting(False, "whether its first network runs in bf16: 1.7 GB less of a GPU")
    attention: str = setting(
        "sdpa", "its attention; flash needs the package flash-attn", one_of=("sdpa", "flash")
    )


@dataclass(frozen=True)
class RemoteSettings:
    connect_seconds: float = setting(
        5.0, "seconds in which a server elsewhere must take a connection", least=0.05, most=300
    )
    read_seconds: float = setting(
        30.0, "seconds after which an answer that stands still is given up", least=0.05, most=3_600
    )
    total_seconds: float = setting(
        300.0, "seconds that a request to a server elsewhere may take", least=0.05, most=86_400
    )
    retries: int = setting(
        2,
        "times a request is made again that failed before its first byte of sound",
        least=0,
        most=10,
    )
    breaker_failures: int = setting(
        5, "failures in a row after which a server is left alone for a while", least=1, most=1_000
    )
    breaker_seconds: float = setting(
        15.0,
        "seconds for which it is left alone; one request tries it then",
        least=0.05,
        most=3_600,
    )
    answer_bytes: int = setting(
        32 << 20, "bytes of one answer; a longer one is an error", least=1_024, most=1 << 30
    )


@dataclass(frozen=True)
class RemoteServersSettings:
    servers: Mapping[str, Any] = setting(
        {}, "servers elsewhere that speak: NAME: {url, …}; docs/remote.md has the keys of each kind"
    )


@dataclass(frozen=True)
class GptSovitsApiSettings:
    clips: Mapping[str, Any] = setting(
        {}, "characters of the reference clips that clients of GPT-SoVITS name: CLIP: CHARACTER"
    )
    new_takes: bool = setting(False, "whether seed -1 speaks anew each time, instead of once")


@dataclass(frozen=True)
class OutsideSettings:
    engines: tuple[str, ...] = setting(
        (), "engines of this server that run in a process of their own, each in one"
    )
    environments: Mapping[str, Any] = setting(
        {}, "environments of such engines, ENGINE: folder of engines/; without: the server's own"
    )
    memory_mb: int = setting(
        0, "memory of such a process beyond which it is ended; 0: no limit", least=0, most=1 << 30
    )
    niceness: int = setting(0, "niceness of such processes", least=0, most=19)
    cuda_devices: str = setting(
        "", "GPUs that such processes see, as CUDA_VISIBLE_DEVICES; empty: those of the server"
    )
    stall_seconds: float = setting(
        30.0, "seconds without a sound after which a stuck process is ended", least=1, most=3_600
    )
    load_seconds: float = setting(
        300.0, "the same while it loads, without news of the load", least=1, most=86_400
    )
    backoff_seconds: float = setting(
        0.25,
        "pause before a process is started again; each further crash doubles it",
        least=0.01,
        most=3_600,
    )
    most_backoff_seconds: float = setting(30.0, "longest such pause", least=0.01, most=86_400)
