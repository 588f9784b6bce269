"""Another voice: a microphone or a recording through a converter; it knows no web.

A folder, being many nouns: intake, gate, stretch and drift stand alone; passage and turns use them;
live and offline hold all.
"""

from realtime.conversion.live import Conversion, Notice
from realtime.conversion.offline import converted

__all__ = ["Conversion", "Notice", "converted"]
