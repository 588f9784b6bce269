"""Another voice by its words: what is understood a character says again; it knows no web.

A folder, being many nouns: endpoints, sentence, waiting and outlet stand alone; ear, understanding
and voice use the engines; microphone, live and offline hold all.
"""

from realtime.conversion.by_words.events import RevoicingNotice, SentenceHeard
from realtime.conversion.by_words.file import revoiced
from realtime.conversion.by_words.live import Revoicing

__all__ = ["SentenceHeard", "RevoicingNotice", "Revoicing", "revoiced"]
