"""Numbers with their units, as commands print them."""

from __future__ import annotations


def size(count: int) -> str:
    """Write a count of bytes for a person."""
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"


def seconds_in_words(seconds: float) -> str:
    """Write a while as people say it: 40 s, 25 min."""
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
