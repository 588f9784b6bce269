"""The sizes of a voice of DDSP-SVC, read from its tensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

CONTROLS, VELOCITY = "ddsp_model.unit2ctrl.", "reflow_model.velocity_fn."


@dataclass(frozen=True)
class DdspShape:
    """The sizes."""

    version: str  # 6.0, 6.1, 6.2 or 6.3
    rate: int  # Hz
    hop: int  # samples a frame
    window: int  # samples of a spectrum
    units: int  # numbers of content a frame
    inner: int  # channels between the first convolutions
    width: int  # of the network of controls
    layers: int
    norm: bool
    attention: bool
    pitch_aug: bool  # whether formants can be moved
    speakers: int
    has_speakers: bool  # a table of them, which voices of one speaker lack
    mels: int
    flow_width: int
    flow_layers: int

    @property
    def bins(self) -> int:
        return self.window // 2 + 1

    @staticmethod
    def of(state: Mapping[str, Tensor], version: str) -> DdspShape:
        """Read the sizes of a state by published names; KeyError names what is missing."""

        def size(name: str, axis: int = 0) -> int:
            # With weight norm the direction has the weight's shape.
            found = state.get(f"{name}_v")
            return int((state[name] if found is None else found).shape[axis])

        def count(prefix: str) -> int:
            return len(
                {name[len(prefix) :].partition(".")[0] for name in state if name.startswith(prefix)}
            )

        layers, speakers = f"{CONTROLS}decoder.encoder_layers.", f"{CONTROLS}spk_embed.weight"
        return DdspShape(
            version,
            rate=int(state["ddsp_model.sampling_rate"]),
            hop=int(state["ddsp_model.block_size"]),
            window=2 * (size(f"{CONTROLS}dense_out.weight") // 4 - 1),
            units=size(f"{CONTROLS}stack.0.weight", 1),
            inner=size(f"{CONTROLS}stack.0.weight"),
            width=size(f"{CONTROLS}norm.weight"),
            layers=count(layers),
            norm=f"{layers}0.conformer.net.0.weight" in state,
            attention=f"{layers}0.attn.norm1.weight" in state,
            pitch_aug=f"{CONTROLS}aug_shift_embed.weight" in state,
            speakers=size(speakers) if speakers in state else 1,
            has_speakers=speakers in state,
            mels=size(f"{VELOCITY}input_projection.weight", 1),
            flow_width=size(f"{VELOCITY}input_projection.weight"),
            flow_layers=count(f"{VELOCITY}residual_layers."),
        )
