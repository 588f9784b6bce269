"""Cloning: a clip of a voice becomes a character, of VALL-E X or of GPT-SoVITS."""

from __future__ import annotations

from realtime.cloning.cloning import ENGINES, Cloning
from realtime.cloning.pair_choice import PairNames
from realtime.cloning.voice_kind import VoiceKind
from realtime.cloning.words import ASKABLE, MOST_TEXT

__all__ = ["ASKABLE", "ENGINES", "MOST_TEXT", "Cloning", "PairNames", "VoiceKind"]
