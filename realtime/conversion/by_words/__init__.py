"""Voice conversion by words: speech is understood, and a character says it again."""

from realtime.conversion.by_words.events import RevoicingNotice, SentenceHeard
from realtime.conversion.by_words.file import revoice_recording
from realtime.conversion.by_words.live import Revoicing

__all__ = ["RevoicingNotice", "Revoicing", "SentenceHeard", "revoice_recording"]
