"""The steps of the text-to-semantic network: a code for each of several lines at once.

Each line has a slot in a static key-value cache: its phones, then its codes so far.
"""

from __future__ import annotations

import torch
from torch import Tensor

from realtime.acceleration.keep_fp32 import KeepFp32
from realtime.engines.gpt_sovits.codes import CODES, END
from realtime.engines.gpt_sovits.networks.choice import choose_codes
from realtime.engines.gpt_sovits.networks.text_to_semantic import TextToSemantic
from realtime.engines.gpt_sovits.sampling import FIRST_END, Sampling
from realtime.networks.cached_attention import CachedAttention, masked_attention
from realtime.networks.slot_cache import CACHE, SlotCache, trial_places
from realtime.networks.transformer import PositionEncoding

NO_CODE = -1  # in place of the last code of a line without a prompt: its last phone goes on
STATE = (*CACHE, "slots.seen")  # the beginnings of the names of buffers that a step changes


class LineRows(KeepFp32):
    """The numbers of each slot's line that a step reads besides its cache."""

    seen: Tensor  # (slots, codes): the codes of the prompt and of the line
    sampling: Tensor  # (slots, 4): `Sampling.as_row`
    first_end: Tensor  # (slots): the place from which on a line may end
    last_phone: Tensor  # (slots, width): what a line without codes goes on from

    def __init__(self, slots: int, width: int) -> None:
        super().__init__()
        sampling = torch.tensor([Sampling().as_row()]).repeat(slots, 1)
        for name, empty in {
            "seen": torch.zeros(slots, CODES + 1, dtype=torch.bool),
            "sampling": sampling,
            "first_end": torch.zeros(slots, dtype=torch.long),
            "last_phone": torch.zeros(slots, width),
        }.items():
            self.register_buffer(name, empty, persistent=False)

    def move(self, source: int, target: int) -> None:
        for rows in self.buffers():
            rows[target] = rows[source]

    def add_code(self, codes: Tensor) -> None:
        """Mark the last code of each line as seen, where it has one."""
        lines = torch.arange(len(codes), device=codes.device)
        read = codes.clamp(0, END)
        self.seen[lines, read] = self.seen[lines, read] | (codes >= 0)

    def choose(self, logits: Tensor, places: Tensor, noise: Tensor) -> Tensor:
        """Choose the codes of the first lines, which have reached these places."""
        count = len(places)
        may_end = places >= self.first_end[:count]
        return choose_codes(logits, self.seen[:count], may_end, self.sampling[:count], noise)


class SemanticDecoder(SlotCache):
    """The step: `forward` gives one code for every line, with shapes that never change.

    `state` is (lines, 3): each line's last code, that code's position, and its place in the slot.
    `noise` is (lines, codes): exponential random numbers. `rows` is 0, 1, 2 …: the places that are
    read, beyond the last that any line has reached. `forward` gives the next state and the logits.
    Line n is in slot n.
    """

    def __init__(
        self,
        network: TextToSemantic,
        *,
        slots: int,
        places: int,
        attention: CachedAttention = masked_attention,
    ) -> None:
        shape = network.shape
        size = shape.width // shape.heads
        super().__init__(shape.layers, shape.heads, size, slots, places, attention)
        self.bert_proj = network.bert_proj
        self.text_embedding = network.ar_text_embedding
        self.audio_embedding = network.ar_audio_embedding
        self.text_position = network.ar_text_position
        self.audio_position = network.ar_audio_position
        self.layers = network.h.layers
        self.predict_layer = network.ar_predict_layer
        self.position_encoding = PositionEncoding(places, shape.width)
        self.slots = LineRows(slots, shape.width)

    @property
    def device(self) -> torch.device:
        return self.position_encoding.table.device

    def forward(self, state: Tensor, noise: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        codes, positions, places = state.t().contiguous().unbind(0)
        self.slots.add_code(codes)
        x = torch.where(
            (codes >= 0)[:, None],
            self._embed_codes(codes.clamp(0, END), positions.clamp(min=0)),
            self.slots.last_phone[: state.shape[0]],
        )[:, None]
        for number, layer in enumerate(self.layers):
            x = layer(x, self.attend_step(number, places, rows))
        logits = self.predict_layer(x)[:, 0]
        chosen = self.slots.choose(logits, places, noise)
        return torch.stack((chosen, positions + 1, places + 1), dim=1), logits

    def prefill(
        self, slot: int, phones: Tensor, bert: Tensor, codes: Tensor, sampling: Sampling
    ) -> tuple[int, int, int]:
        """Write a line's phones and the prompt's codes into a slot; return the line's state.

        `bert` is (phones, 1024). A phone sees all phones and no code; a code sees all phones and
        the codes up to itself. Without codes the last phone's place is computed once more.
        """
        before_last = codes[:-1]  # the last code is written by the first step
        length = len(phones) + len(before_last)
        places = torch.arange(length, device=phones.device)
        text = self.text_embedding(phones) + self.bert_proj(bert)
        text = text + self.text_position.alpha * self.position_encoding(places[: len(phones)])
        x = torch.cat([text, self._embed_codes(before_last, places[: len(before_last)])])[None]
        seen = (places < len(phones)) | (places <= places[:, None])
        for number, layer in enumerate(self.layers):
            x = layer(x, self.attend_prompt(number, slot, seen))
        state = first_state(len(phones), codes.tolist())
        rows = self.slots
        rows.last_phone[slot] = text[-1]
        rows.seen[slot] = False
        rows.seen[slot, codes] = True
        rows.sampling[slot] = torch.tensor(sampling.as_row())
        rows.first_end[slot] = state[2] + FIRST_END
        return state

    def move(self, source: int, target: int, places: int) -> None:
        super().move(source, target, places)
        self.slots.move(source, target)

    def cases(self, sizes: tuple[int, ...]) -> list[tuple[Tensor, ...]]:
        """Return inputs for trials of the step with so many lines and rows."""
        count, span = sizes
        generator = torch.Generator().manual_seed(count)
        codes, positions = (torch.randint(CODES, (count,), generator=generator) for _ in range(2))
        inputs: list[tuple[Tensor, ...]] = []
        for case in range(3):
            places = trial_places(count, span, case)
            state = torch.stack((codes, positions % (places + 1), places), dim=1)
            noise = torch.empty(count, CODES + 1).exponential_(generator=generator)
            inputs.append((state, noise, torch.arange(span)))
        return inputs

    def rehearse(self, state: Tensor, noise: Tensor, rows: Tensor) -> None:
        """Fill the buffers for a trial of the step at these inputs."""
        self.fill_for_trial(state[:, 2])
        for line in range(len(state)):
            self.slots.seen[line] = False
            self.slots.seen[line, line :: 3 + line] = True
            row = Sampling(5 + line, 0.8, 0.9, 1.35).as_row()
            self.slots.sampling[line] = torch.tensor(row)
        self.slots.first_end.zero_()

    def judged(self, inputs: tuple[Tensor, ...], outputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Return what is compared of outputs in 16 bits: whether each code follows its logits.

        The codes themselves may differ: a random number that falls near the border between two
        codes chooses either, after the least change of the logits before them.
        """
        state, logits = outputs
        chosen = self.slots.choose(logits, inputs[0][:, 2], inputs[1])
        follows = (chosen == state[:, 0]).to(state.dtype)
        return torch.cat((follows[:, None], state[:, 1:]), dim=1), logits

    def _embed_codes(self, codes: Tensor, positions: Tensor) -> Tensor:
        vectors: Tensor = self.audio_embedding(codes)
        offset: Tensor = self.audio_position.alpha * self.position_encoding(positions)
        return vectors + offset


def first_state(phones: int, codes: list[int]) -> tuple[int, int, int]:
    """Return the state of a line after its phones and its prompt: last code, position, place."""
    if not codes:
        return NO_CODE, NO_CODE, phones - 1
    return codes[-1], len(codes) - 1, phones + len(codes) - 1
