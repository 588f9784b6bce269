"""Numbers of semantic codes, with which all files of GPT-SoVITS were trained: none is a setting."""

from __future__ import annotations

CODES = 1024
END = CODES  # the code that ends a sentence
CODES_A_SECOND = 25
FRAMES = 2  # latent frames of one code
MOST_CODES = 1_500  # of a sentence, a minute
