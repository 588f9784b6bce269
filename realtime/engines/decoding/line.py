"""A line on its way through the steps of a model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

Prompt = TypeVar("Prompt")

END = 1024  # the code that ends a line; a code above it tells that the logits were not finite

# end: the model ended it; limit: no more steps or places; repetition: the repetition guard;
# abandoned: nobody waits for it; invalid: the logits held NaN or infinity.
Ending = Literal["end", "limit", "repetition", "abandoned", "invalid"]


def _is_wanted() -> bool:
    return False


@dataclass(eq=False)
class BatchedLine(Generic[Prompt]):
    """A line: the prompt that the model goes on from, its random numbers, and its codes so far."""

    prompt: Prompt  # what the model writes into the line's slot
    first_state: tuple[int, int, int]  # last code, that code's position, and its place in the slot
    most_steps: int
    draw: Callable[[int], Any]  # from a step's number to its random numbers
    repetition_guard: int = 0  # equal codes in a row that end the line; 0: off
    is_abandoned: Callable[[], bool] = _is_wanted  # true when nobody waits for the line
    codes: list[int] = field(default_factory=list)
    likelihood: float = 0.0  # sum of the logarithms of the codes' chances
    ending: Ending | None = None
    queued_steps: int = 0
    unread_steps: int = 0  # queued steps whose codes are not read yet

    @property
    def place(self) -> int:
        """Return the place of the last code."""
        return self.first_state[2] + len(self.codes)

    @property
    def next_place(self) -> int:
        """Return the place of the next step to be queued; all places before it are written."""
        return self.first_state[2] + self.queued_steps

    @property
    def has_steps_left(self) -> bool:
        return self.queued_steps < self.most_steps

    @property
    def next_draw(self) -> Any:
        """Return the random numbers of the next step; 0 after the last, whose code is dropped."""
        return self.draw(self.queued_steps) if self.has_steps_left else 0

    def add(self, code: int) -> None:
        """Add one step's code, and set the ending where the line is over with it."""
        if code >= END:
            self.ending = "end" if code == END else "invalid"
            return
        self.codes.append(code)
        last = self.codes[-self.repetition_guard :]
        if self.repetition_guard and len(last) == self.repetition_guard and len(set(last)) == 1:
            self.ending = "repetition"
        elif len(self.codes) >= self.most_steps:
            self.ending = "limit"
