"""The prompt of a line: what VALL-E X's first level goes on from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from realtime.engines.decoding.line import BatchedLine
from realtime.engines.valle.codes import BEGIN


@dataclass(frozen=True)
class LinePrompt:
    """The symbols of the example and of the text, and the first level of the example."""

    ids: Sequence[int]
    languages: Sequence[int]  # one for each symbol
    codes: Sequence[int]

    def make_line(
        self, most_steps: int, draw: Callable[[int], Any], **more: Any
    ) -> BatchedLine[LinePrompt]:
        """Make a line whose first step writes the last code of the prompt."""
        last = self.codes[-1] if self.codes else BEGIN
        position = len(self.codes)
        return BatchedLine(
            self, (last, position, len(self.ids) + position), most_steps, draw, **more
        )
