"""Bounds on the length of a piece: frames of prompt and speech, and places in a slot.

All functions take a piece's symbols, and the symbols and frames of its prompt.
"""

from __future__ import annotations

from realtime.characters.voices import MOST_FRAMES as MOST_PROMPT
from realtime.characters.voices import MOST_SYMBOLS as MOST_PROMPT_SYMBOLS

__all__ = ["MOST_PROMPT", "MOST_PROMPT_SYMBOLS"]

MOST_FRAMES = 1650  # of prompt and speech together: the model learnt no more than 22 s
FEWEST_A_SYMBOL, MOST_A_SYMBOL = 4, 12  # frames a symbol of real speech, for an estimate
STOP_A_SYMBOL = 16  # frames a symbol, the prompt's too, after which a line is ended
# Places of a slot: one for each symbol and each frame, and one for the code before the first.
# Beside the densest prompt and all frames 347 symbols have a place; the frames allow 412 symbols
# after the shortest prompt and 131 after the longest.
PLACES = 2560
MOST_SYMBOLS = PLACES - MOST_FRAMES - 1
FIRST_FRAMES = 75  # wanted of a line's first piece: a second
# The part before a cut ends like a sentence, which can be heard: a cut must save half a second.
FIRST_SLACK = 1.5
QUICKEST = 2  # frames a symbol of the quickest speech, for the first piece: it bounds nothing
FEWEST_SYMBOLS = 12  # of a piece that is cut off: the model says shorter ones badly


def estimate_frames(symbols: int, prompt_symbols: int, prompt_frames: int) -> int:
    """Estimate the frames of so many symbols, said as quickly as the prompt."""
    return round(symbols * _pace(FEWEST_A_SYMBOL, prompt_symbols, prompt_frames))


def fits(symbols: int, prompt_symbols: int, prompt_frames: int) -> bool:
    """Return whether so many symbols can be said in one piece."""
    frames = prompt_frames + estimate_frames(symbols, prompt_symbols, prompt_frames)
    return frames <= MOST_FRAMES and symbols + prompt_symbols <= MOST_SYMBOLS


def most_frames(symbols: int, prompt_symbols: int, prompt_frames: int) -> int:
    """Return the frames after which a piece is ended, whatever the model still says."""
    total = symbols + prompt_symbols
    left = min(MOST_FRAMES, PLACES - 1 - total) - prompt_frames
    return max(1, min(STOP_A_SYMBOL * total, left))


def first_symbols(symbols: int, prompt_symbols: int, prompt_frames: int) -> float | None:
    """Return how many symbols a line should begin with; None when all of them are few enough."""
    pace = _pace(QUICKEST, prompt_symbols, prompt_frames)
    if symbols * pace <= FIRST_SLACK * FIRST_FRAMES:
        return None
    return max(FEWEST_SYMBOLS, FIRST_FRAMES / pace)


def _pace(fewest: float, prompt_symbols: int, prompt_frames: int) -> float:
    """Return the prompt's frames a symbol, within the bounds of speech."""
    return min(max(prompt_frames / max(1, prompt_symbols), fewest), MOST_A_SYMBOL)
