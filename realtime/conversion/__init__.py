"""Voice conversion: a microphone or a recording becomes another voice, by sound or by words."""

from realtime.conversion.file import convert_recording
from realtime.conversion.live import Conversion
from realtime.conversion.notices import ConversionNotice

__all__ = ["Conversion", "ConversionNotice", "convert_recording"]
