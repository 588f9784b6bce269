"""Routes of GPT-SoVITS' API, all together, and their operations in the API's document."""

from __future__ import annotations

from realtime.web.compat.gpt_sovits import tts

ROUTES = [*tts.ROUTES]
OPERATIONS = [*tts.OPERATIONS]
