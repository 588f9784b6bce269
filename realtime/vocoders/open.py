"""The vocoders by name: from the files that people bring to one that runs as the settings say."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from realtime.acceleration import Accelerated, Axis, Policy, accelerate, device_memory
from realtime.acceleration.torch_modes import with_index
from realtime.audio.samples import Samples
from realtime.errors import BadRequest, Unavailable
from realtime.settings import Settings
from realtime.vocoders import checkpoints
from realtime.vocoders import prepare as readiness
from realtime.vocoders.memory_limit import Headroom, free_here
from realtime.vocoders.prepare import Readiness
from realtime.vocoders.several_devices import Spread
from realtime.vocoders.vocoder import Cutting, Vocoder, schedules

if TYPE_CHECKING:
    from torch import Tensor

    from realtime.vocoders.networks.base import MelNet
    from realtime.vocoders.networks.mel import MelForm

NAMES = ("bigvgan", "hifigan")
MEAN, SPREAD = -5.0, 2.0  # of the numbers of a log mel
SHAPED = ("compile", "graphs", "eager_graphs")  # plans that run only what was prepared for them
COPIES = 12  # of the widest signal that are held at once, planes of activations among them


@dataclass(frozen=True)
class OpenedVocoder:
    """A vocoder, the mel that it takes, and its network as published, to be held against it."""

    vocoder: Vocoder
    form: MelForm
    published: Callable[[Tensor], Tensor]
    run: Accelerated
    device: str
    readiness: Readiness
    beside: Sequence[Accelerated] = ()  # the same on further devices

    @property
    def plan(self) -> str:
        """The plan that was asked for; what runs is told by `run.described()`."""
        return self.run.plan

    def resynthesised(self, sound: Samples) -> Samples:
        """A recording at the mel's rate, into its mel and back, at the vocoder's rate."""
        return self.vocoder.render([self.mel(sound)])[0]

    def mel(self, sound: Samples) -> Tensor:
        import torch

        from realtime.vocoders.networks.mel import log_mel

        if sound.size <= self.form.fft:
            raise BadRequest(
                "The recording is too short for a mel.",
                code="bad_audio",
                hint=f"It needs more than {self.form.fft / self.form.sample_rate:.2f} s.",
            )
        return log_mel(torch.from_numpy(sound)[None], self.form)[0].to(self.device)


def opened(name: str, settings: Settings) -> OpenedVocoder:
    """The named vocoder with its weights, ready to run."""
    if name not in NAMES:
        raise BadRequest(f"There is no vocoder {name!r}; there are: {', '.join(NAMES)}.")
    bigvgan = name == "bigvgan"
    network, form = (checkpoints.bigvgan if bigvgan else checkpoints.hifigan)(settings)
    return prepared(network, form, form.sample_rate * network.hop // form.hop, settings)


def prepared(network: MelNet, form: MelForm, sample_rate: int, settings: Settings) -> OpenedVocoder:
    """A network with its weights as the settings want it run."""
    chosen = settings.vocoder
    device, *others = devices(chosen.device)
    network.to(device)  # before its twin is made, so that both share one memory there
    published = twin(network).plain()
    if chosen.use_vocoder_optimization:
        network.fast()
    else:
        network.plain()
    plan, precision = wanted(settings, device)
    how = cutting(settings)
    whole, growing = schedules(network.reach(), how)
    sizes = [*whole.sizes, *growing.sizes]
    run = accelerated(network, plan, precision, device, sizes, how.batch, settings)
    beside = [
        accelerated(copy.deepcopy(network), plan, precision, other, sizes, how.batch, settings)
        for other in others
    ]
    ready = readiness.prepare_each(
        (run, *beside),
        example(network.bands, max(sizes)),
        readiness.wanted(growing, whole, how.batch),
        chosen.prepare_seconds if chosen.use_vocoder_optimization else 0.0,
    )
    vocoder = Vocoder(
        Spread({str(each.network.device): each for each in (run, *beside)}, device)
        if beside
        else run,
        bands=network.bands,
        hop=network.hop,
        sample_rate=sample_rate,
        reach=network.reach(),
        cutting=dataclasses.replace(
            how, batch=how.batch * (1 + len(beside)), shaped=run.mode in SHAPED
        ),
        headroom=Headroom(COPIES * 4 * network.width, _free(device)),
        overlapped=run.count_overlap,
    )
    return OpenedVocoder(vocoder, form, published, run, device, ready[0], beside)


def example(bands: int, frames: int, batch: int = 1) -> Tensor:
    """Mels as loud and as wide as those of speech, the same every time."""
    import torch

    generator = torch.Generator().manual_seed(frames)
    return SPREAD * torch.randn(batch, bands, frames, generator=generator) + MEAN


def wanted(settings: Settings, device: str) -> tuple[str, str]:
    """The plan and the precision; a processor's quickest plan is the network's own quick form."""
    chosen = settings.vocoder
    if not chosen.use_vocoder_optimization:
        return "eager", "fp32"
    if chosen.use_tensorrt:
        return "tensorrt", chosen.tensorrt_precision
    plan = "eager" if chosen.plan == "auto" and device == "cpu" else chosen.plan
    return plan, chosen.precision


def cutting(settings: Settings) -> Cutting:
    chosen = settings.vocoder
    batch = chosen.batch
    if chosen.use_tensorrt:
        batch = min(batch, chosen.tensorrt_max_batch_size)
    return Cutting(chosen.vocoder_chunk_size, chosen.vocoder_overlap_ratio, batch)


def accelerated(
    network: MelNet,
    plan: str,
    precision: str,
    device: str,
    sizes: Sequence[int],
    batch: int,
    settings: Settings | None = None,
) -> Accelerated:
    """The network under a plan that is prepared for windows of these sizes, so many a run.

    On a GPU its quick form is held against the published one as well: that costs little there, and
    its kernel is younger than a processor's operations.
    """
    policy = Policy()
    if settings is not None:
        workspace = settings.vocoder.tensorrt_workspace_size
        policy = dataclasses.replace(Policy.of(settings), workspace_bytes=workspace)
    network.to(device)  # before its twin is made, so that both share one memory there
    truth = twin(network).plain() if network.rows and device.startswith("cuda") else None
    return accelerate(
        network,
        truth=truth,
        inputs=(example(network.bands, max(sizes)),),
        plan=plan,
        precision=precision,
        device=device,
        axes=(
            Axis(tuple(sorted(set(sizes))), {0: 2}, {0: 2}, network.hop),
            Axis(readiness.runs(batch), {0: 0}, {0: 0}, padded=True),
        ),
        policy=policy,
        name=type(network).__name__.lower(),
    )


def twin(network: MelNet) -> MelNet:
    """Another network of the same weights in the same memory."""
    from torch import nn

    memo: dict[int, Any] = {
        id(weight): nn.Parameter(weight.data, requires_grad=False)
        for weight in network.parameters()
    }
    copied: MelNet = copy.deepcopy(network, memo)
    return copied


def devices(names: str) -> list[str]:
    """Those of the setting, each once: the first is where mels come from and sounds go to."""
    found = [_device(name.strip()) for name in names.split(",")]
    if len({"cuda:0" if name == "cuda" else name for name in found}) < len(found):
        raise BadRequest(
            f"A device stands twice in {names!r}.", hint="Name each once in vocoder.device."
        )
    return found


def _device(name: str) -> str:
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise Unavailable(f"There is no device {name!r} here.", hint="Set vocoder.device: auto.")
    return name


def _free(device: str) -> Callable[[], int]:
    if not device.startswith("cuda"):
        return free_here

    return lambda: device_memory.free_bytes(with_index(device))
