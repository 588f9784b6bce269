"""How long what is said may become: frames of prompt and speech, and places for both."""

from __future__ import annotations

LEVELS = 8  # codes of a frame
HOP = 320  # samples of a frame
MOST_FRAMES = 1650  # of prompt and speech together: the model learnt no more than 22 s
MOST_PROMPT = 1125
FEWEST_A_SYMBOL, MOST_A_SYMBOL = 4, 12  # frames, for an estimate
STOP_A_SYMBOL = 16  # frames for each symbol, the prompt's too, after which a line is ended
PLACES = 2048  # of a slot: symbols, frames, and the beginning's own
MOST_SYMBOLS = PLACES - MOST_FRAMES - 1


def estimated(symbols: int, prompt_symbols: int, prompt_frames: int) -> int:
    """Frames of so many new symbols, said as quickly as the prompt."""
    usual = symbols * prompt_frames / max(1, prompt_symbols)
    return round(min(max(usual, FEWEST_A_SYMBOL * symbols), MOST_A_SYMBOL * symbols))


def fits(symbols: int, prompt_symbols: int, prompt_frames: int) -> bool:
    """Whether so many new symbols can be said in one piece."""
    frames = prompt_frames + estimated(symbols, prompt_symbols, prompt_frames)
    return frames <= MOST_FRAMES and symbols + prompt_symbols <= MOST_SYMBOLS


def most(symbols: int, prompt_symbols: int, prompt_frames: int) -> int:
    """Frames after which a piece is ended, whatever the model still says."""
    published = STOP_A_SYMBOL * (symbols + prompt_symbols)
    return min(published, MOST_FRAMES - prompt_frames)
