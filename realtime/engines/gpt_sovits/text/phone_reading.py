"""A reading of one text in one language: its normalised text and its phones."""

from __future__ import annotations

from typing import NamedTuple


class PhoneReading(NamedTuple):
    """A normalised text with its phones.

    `counts` are the phones of each character, by which BERT's features are spread over them; empty
    for languages that have no such features.
    """

    text: str
    phones: list[str]
    counts: list[int]
