"""The command `vocoder`: its speed here, its quality, and a recording to its mel and back."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from realtime.audio.decoding import decode
from realtime.audio.samples import Resampler, Samples, from_pcm16, to_pcm16
from realtime.audio.wav import wav_file
from realtime.cli.options import add_settings_options, settings_of
from realtime.engine_settings import PLANS, PRECISIONS
from realtime.errors import BadRequest, YamabikoError
from realtime.settings import Settings
from realtime.vocoders import open, report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    how = argparse.ArgumentParser(add_help=False)
    add_settings_options(how)
    how.add_argument("name", metavar="NAME", choices=open.NAMES, help="bigvgan or hifigan")
    how.add_argument("--plan", choices=PLANS, help="instead of the settings'")
    how.add_argument("--precision", choices=PRECISIONS, help="instead of the settings'")
    actions = parser.add_subparsers(dest="action", required=True, title="actions")
    bench = actions.add_parser("bench", parents=[how], help="how much faster than as published")
    bench.add_argument("--frames", type=_positive_int, default=500)
    bench.add_argument("--batch", type=_positive_int, default=1)
    bench.add_argument("--runs", type=_positive_int, default=10)
    quality = actions.add_parser("quality", parents=[how], help="how near to as published")
    quality.add_argument("--sound", type=Path, metavar="FILE", help="a recording; else an example")
    resynth = actions.add_parser("resynth", parents=[how], help="a recording to its mel and back")
    resynth.add_argument("source", type=Path, metavar="IN.WAV")
    resynth.add_argument("target", type=Path, metavar="OUT.WAV")
    for action in (bench, quality):
        action.add_argument("--json", type=Path, metavar="PATH", help="write the figures there")


def run(options: argparse.Namespace) -> int:
    return vocoder(options, settings_of(options))


def vocoder(options: argparse.Namespace, settings: Settings) -> int:
    """Run one of the three actions with the weights that people brought."""
    named = {"plan": options.plan, "precision": options.precision}
    chosen = {name: value for name, value in named.items() if value is not None}
    if chosen:
        # A plan that is named is meant, whatever the settings switch.
        chosen |= {"use_tensorrt": False, "use_vocoder_optimization": True}
    opened = open.open_vocoder(
        options.name, replace(settings, vocoder=replace(settings.vocoder, **chosen))
    )
    print(f"{opened.accelerated.name} under the plan {opened.plan}: {opened.readiness.summary}")
    if options.action == "resynth":
        return _resynth(opened, options.source, options.target)
    if options.action == "bench":
        figures = report.measure_speed(opened, options.frames, options.batch, options.runs)
    else:
        rate = opened.mel_format.sample_rate
        sound = _read(options.sound, rate) if options.sound else report.example_voice(rate)
        figures = report.measure_quality(opened, sound)
    described = opened.accelerated.described()
    _print_figures(figures)
    _print_shapes(described["buckets"])
    if options.json is not None:
        text = json.dumps({**_without_infinities(figures), "acceleration": described}, indent=1)
        _write(options.json, (text + "\n").encode())
    return 0


def _resynth(opened: open.OpenedVocoder, source: Path, target: Path) -> int:
    counted = report.CallCounter(opened.accelerated)
    sound = opened.resynthesise(_read(source, opened.mel_format.sample_rate))
    rate = opened.vocoder.sample_rate
    pcm = to_pcm16(sound)
    _write(target, wav_file(pcm, rate))
    print(f"{target}: {sound.size / rate:.2f} s at {rate} Hz")
    if counted.reason is not None:
        print(f"{counted.plan} ran: {counted.reason}")
    return 0


def _read(path: Path, rate: int) -> Samples:
    """Read a recording, mono, at the sample rate of the vocoder's mel."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadRequest(f"{path} cannot be read: {error.strerror}.") from error
    pcm, own = decode(data)
    resampler = Resampler(own, rate)
    return from_pcm16(np.concatenate([resampler.feed(pcm), resampler.finish()]))


def _write(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        raise YamabikoError(f"{path} cannot be written: {error.strerror}.") from error


def _print_figures(figures: Mapping[str, Any]) -> None:
    width = max(map(len, figures))
    for name, value in figures.items():
        written = f"{value:.6g}" if isinstance(value, float) else value
        print(f"{name:<{width}}  {written}")


def _print_shapes(buckets: Sequence[Mapping[str, Any]]) -> None:
    """Print the shapes as `GET /api/acceleration` reports them of an engine's networks."""
    for bucket in buckets:
        frames, batch = bucket["sizes"]
        state = f"{bucket['plan']} {bucket['state']}: {bucket['check']}"
        print(f"{batch} × {frames} frames: {state}")


def _without_infinities(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Replace infinities by null: JSON has none, and equal sounds have an infinite ratio."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in figures.items()
    }


def _positive_int(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("it must be at least 1")
    return number
