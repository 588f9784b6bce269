"""Another voice by its words: what is understood a character says again; it knows no web.

A folder, being many nouns: endpoints, sentence, waiting and outlet stand alone; ear, understanding
and voice use the engines; microphone, live and offline hold all.
"""

from realtime.revoice.heard import Heard, Notice
from realtime.revoice.live import Revoicing
from realtime.revoice.offline import revoiced

__all__ = ["Heard", "Notice", "Revoicing", "revoiced"]
