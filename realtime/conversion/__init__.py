"""Another voice: a microphone or a recording through a converter; it knows no web.

A folder, being many nouns: intake, gate, stretch and drift stand alone; passage and turns use them;
live and offline hold all.
"""

from realtime.conversion.file import converted
from realtime.conversion.live import Conversion, ConversionNotice

__all__ = ["Conversion", "ConversionNotice", "converted"]
