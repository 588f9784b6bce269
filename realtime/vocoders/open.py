"""The vocoders by name: files that people bring become a vocoder that runs as the settings say."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from realtime import blocks
from realtime.acceleration import Accelerated, Axis, Policy, accelerate, device_memory
from realtime.acceleration.torch_modes import with_index
from realtime.audio.samples import Samples
from realtime.errors import BadRequest, Unavailable
from realtime.settings import Settings
from realtime.vocoders import checkpoints
from realtime.vocoders.memory_limit import MemoryLimit, free_memory
from realtime.vocoders.prepare import (
    Readiness,
    batch_sizes,
    prepare_on_devices,
    window_shapes,
)
from realtime.vocoders.several_devices import MultiDeviceNetwork
from realtime.vocoders.vocoder import Vocoder, WindowSettings, make_schedules

if TYPE_CHECKING:
    from torch import Tensor

    from realtime.networks.mel import MelFormat
    from realtime.vocoders.networks.base import MelNet

NAMES = ("bigvgan", "hifigan")
MEAN, SPREAD = -5.0, 2.0  # of the numbers of a log mel of speech
SHAPED = ("compile", "graphs", "eager_graphs")  # plans that run only what was prepared for them
COPIES = 12  # of the widest signal that are held at once, planes of activations among them


@dataclass(frozen=True)
class OpenedVocoder:
    """A vocoder, the mel that it takes, and its network as published, to compare it with."""

    vocoder: Vocoder
    mel_format: MelFormat
    published: Callable[[Tensor], Tensor]
    accelerated: Accelerated
    device: str
    readiness: Readiness
    on_other_devices: Sequence[Accelerated] = ()
    shared: MultiDeviceNetwork | None = None  # the queue of several devices

    @property
    def plan(self) -> str:
        """Give the plan that was asked for; `accelerated.described()` tells which one runs."""
        return self.accelerated.plan

    @property
    def networks(self) -> tuple[Accelerated, ...]:
        """Return the network of each device."""
        return (self.accelerated, *self.on_other_devices)

    def resynthesise(self, sound: Samples) -> Samples:
        """Turn a recording, at the mel's rate, into its mel and back, at the vocoder's rate."""
        return self.vocoder.render([self.make_mel(sound)])[0]

    def close(self) -> None:
        """Give back what the networks hold, and end the threads of several devices."""
        if self.shared is not None:
            self.shared.close()
        for network in self.networks:
            network.close()

    def make_mel(self, sound: Samples) -> Tensor:
        import torch

        from realtime.networks.mel import log_mel

        if sound.size <= self.mel_format.fft:
            shortest = self.mel_format.fft / self.mel_format.sample_rate
            raise BadRequest(
                "The recording is too short for a mel.",
                code="bad_audio",
                hint=f"It needs more than {shortest:.2f} s.",
            )
        return log_mel(torch.from_numpy(sound)[None], self.mel_format)[0].to(self.device)


def open_vocoder(name: str, settings: Settings) -> OpenedVocoder:
    """Load the named vocoder's weights and make it ready to run."""
    if name not in NAMES:
        raise BadRequest(f"There is no vocoder {name!r}; there are: {', '.join(NAMES)}.")
    blocks.require_block(blocks.TORCH, f"The vocoder {name!r}")
    network: MelNet
    if name == "bigvgan":
        network, mel_format = checkpoints.load_bigvgan(settings)
    else:
        network, mel_format = checkpoints.load_hifigan(settings)
    sample_rate = mel_format.sample_rate * network.hop // mel_format.hop
    return build_vocoder(network, mel_format, sample_rate, settings)


def build_vocoder(
    network: MelNet, mel_format: MelFormat, sample_rate: int, settings: Settings
) -> OpenedVocoder:
    """Make a vocoder of a network with its weights, as the settings want it run."""
    device, *others = device_names(settings.vocoder.device)
    network.to(device)  # before the copy is made, so that both share one memory there
    published = copy_with_shared_weights(network).plain()
    # The fast form compiles code of its own, which `acceleration.enabled: false` rules out too.
    optimised = settings.vocoder.use_vocoder_optimization and settings.acceleration.enabled
    network = network.fast() if optimised else network.plain()
    plan, precision = choose_plan(settings, device)
    windows = window_settings(settings)
    whole, growing = make_schedules(network.reach(), windows)
    sizes = [*whole.sizes, *growing.sizes]

    def accelerated_on(target: MelNet, name: str) -> Accelerated:
        return accelerate_for_windows(target, plan, precision, name, sizes, windows.batch, settings)

    first = accelerated_on(network, device)
    beside = [accelerated_on(copy.deepcopy(network), other) for other in others]
    readiness = prepare_on_devices(
        (first, *beside),
        example_mels(network.bands, max(sizes)),
        window_shapes(growing, whole, windows.batch),
        settings.vocoder.prepare_seconds if optimised else 0.0,
    )[0]
    shared = share_devices((first, *beside), device) if beside else None
    vocoder = Vocoder(
        shared or first,
        bands=network.bands,
        hop=network.hop,
        sample_rate=sample_rate,
        reach=network.reach(),
        windows=dataclasses.replace(
            windows,
            batch=windows.batch * (1 + len(beside)),
            prepared_only=first.mode in SHAPED or (not first.enabled and plan in (*SHAPED, "auto")),
        ),
        memory=MemoryLimit(COPIES * 4 * network.width, _free_bytes(device)),
        count_overlap=first.count_overlap,
    )
    return OpenedVocoder(vocoder, mel_format, published, first, device, readiness, beside, shared)


def example_mels(bands: int, frames: int, batch: int = 1) -> Tensor:
    """Make mels of noise, as loud and as wide as those of speech, the same every time."""
    import torch

    generator = torch.Generator().manual_seed(frames)
    return SPREAD * torch.randn(batch, bands, frames, generator=generator) + MEAN


def choose_plan(settings: Settings, device: str) -> tuple[str, str]:
    """Choose the plan and the precision that the settings ask for on a device."""
    chosen = settings.vocoder
    if not chosen.use_vocoder_optimization:
        return "eager", "fp32"
    if chosen.use_tensorrt:
        return "tensorrt", chosen.tensorrt_precision
    # On a processor the network's own fast form is the fastest plan (figures: docs/vocoders.md).
    plan = "eager" if chosen.plan == "auto" and device == "cpu" else chosen.plan
    return plan, chosen.precision


def window_settings(settings: Settings) -> WindowSettings:
    """Read the sizes of windows from the settings."""
    chosen = settings.vocoder
    batch = chosen.batch
    if chosen.use_tensorrt:
        batch = min(batch, chosen.tensorrt_max_batch_size)
    return WindowSettings(chosen.vocoder_chunk_size, chosen.vocoder_overlap_ratio, batch)


def accelerate_for_windows(
    network: MelNet,
    plan: str,
    precision: str,
    device: str,
    sizes: Sequence[int],
    batch: int,
    settings: Settings | None = None,
) -> Accelerated:
    """Put a network under a plan for windows of these sizes, up to `batch` in a run.

    On a GPU its fast form is compared with the published one as well: that costs little there, and
    its kernel is younger than a processor's operations.
    """
    policy = Policy()
    if settings is not None:
        workspace = settings.vocoder.tensorrt_workspace_size
        policy = dataclasses.replace(Policy.of(settings), workspace_bytes=workspace)
    network.to(device)  # before the copy is made, so that both share one memory there
    compared = network.channels_last and device.startswith("cuda")
    truth = copy_with_shared_weights(network).plain() if compared else None
    return accelerate(
        network,
        truth=truth,
        inputs=(example_mels(network.bands, max(sizes)),),
        plan=plan,
        precision=precision,
        device=device,
        axes=(
            Axis(tuple(sorted(set(sizes))), {0: 2}, {0: 2}, network.hop),
            Axis(batch_sizes(batch), {0: 0}, {0: 0}, padded=True),
        ),
        policy=policy,
        name=type(network).__name__.lower(),
    )


def copy_with_shared_weights(network: MelNet) -> MelNet:
    """Copy a network; the weights of both lie in the same memory."""
    from torch import nn

    memo: dict[int, Any] = {
        id(weight): nn.Parameter(weight.data, requires_grad=False)
        for weight in network.parameters()
    }
    copied: MelNet = copy.deepcopy(network, memo)
    return copied


def device_names(names: str) -> list[str]:
    """Read the setting's devices; mels come from the first one and sounds go to it."""
    found = [_checked_device(name.strip()) for name in names.split(",")]
    if len({"cuda:0" if name == "cuda" else name for name in found}) < len(found):
        raise BadRequest(
            f"A device stands twice in {names!r}.", hint="Name each once in vocoder.device."
        )
    return found


def _checked_device(name: str) -> str:
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise Unavailable(f"There is no device {name!r} here.", hint="Set vocoder.device: auto.")
    return name


def share_devices(networks: Sequence[Accelerated], home: str) -> MultiDeviceNetwork:
    """Share the rows of each run among the networks; their sounds come to the device `home`."""
    return MultiDeviceNetwork({str(each.network.device): each for each in networks}, home)


def _free_bytes(device: str) -> Callable[[], int]:
    if not device.startswith("cuda"):
        return free_memory

    return lambda: device_memory.free_bytes(with_index(device))
