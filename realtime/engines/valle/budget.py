"""How long what is said may become: frames of prompt and speech, and places for both."""

from __future__ import annotations

from realtime.characters.voices import MOST_FRAMES as MOST_PROMPT
from realtime.characters.voices import MOST_SYMBOLS as MOST_PROMPT_SYMBOLS

__all__ = ["MOST_PROMPT", "MOST_PROMPT_SYMBOLS"]

LEVELS = 8  # codes of a frame
HOP = 320  # samples of a frame
MOST_FRAMES = 1650  # of prompt and speech together: the model learnt no more than 22 s
FEWEST_A_SYMBOL, MOST_A_SYMBOL = 4, 12  # frames, for an estimate
STOP_A_SYMBOL = 16  # frames for each symbol, the prompt's too, after which a line is ended
# Of a slot: symbols, frames, and the beginning's own. Beside the densest prompt and all frames
# there is room for 347 symbols; frames allow 412 after the shortest prompt, 131 after the longest.
PLACES = 2560
MOST_SYMBOLS = PLACES - MOST_FRAMES - 1
FIRST_FRAMES = 75  # what the first piece of a line aims at: a second
# What goes before a cut ends like a sentence, which is heard: it must save half a second of sound.
FIRST_SLACK = 1.5
QUICKEST = 2  # frames a symbol of the quickest speech, for what is no bound
FEWEST_SYMBOLS = 12  # of a piece that is cut off: shorter ones are said badly


def estimated(symbols: int, prompt_symbols: int, prompt_frames: int) -> int:
    """Frames of so many new symbols, said as quickly as the prompt."""
    return round(symbols * _pace(FEWEST_A_SYMBOL, prompt_symbols, prompt_frames))


def fits(symbols: int, prompt_symbols: int, prompt_frames: int) -> bool:
    """Whether so many new symbols can be said in one piece."""
    frames = prompt_frames + estimated(symbols, prompt_symbols, prompt_frames)
    return frames <= MOST_FRAMES and symbols + prompt_symbols <= MOST_SYMBOLS


def most(symbols: int, prompt_symbols: int, prompt_frames: int) -> int:
    """Frames after which a piece is ended, whatever the model still says."""
    said = symbols + prompt_symbols
    room = min(MOST_FRAMES, PLACES - 1 - said) - prompt_frames
    return max(1, min(STOP_A_SYMBOL * said, room))


def first(symbols: int, prompt_symbols: int, prompt_frames: int) -> float | None:
    """How many symbols a line should begin with; None when all of them are few enough."""
    pace = _pace(QUICKEST, prompt_symbols, prompt_frames)
    if symbols * pace <= FIRST_SLACK * FIRST_FRAMES:
        return None
    return max(FEWEST_SYMBOLS, FIRST_FRAMES / pace)


def _pace(fewest: float, prompt_symbols: int, prompt_frames: int) -> float:
    """Frames of a symbol as the prompt says them, within what is speech."""
    return min(max(prompt_frames / max(1, prompt_symbols), fewest), MOST_A_SYMBOL)
