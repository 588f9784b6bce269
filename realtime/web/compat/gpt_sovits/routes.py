"""Routes of GPT-SoVITS' API, all together, and their operations in the API's document."""

from __future__ import annotations

from realtime.web.compat.gpt_sovits import performance, tts, upload, voices, weights

ROUTES = [
    *tts.ROUTES,
    *weights.ROUTES,
    *voices.ROUTES,
    *upload.ROUTES,
    *performance.ROUTES,
]
OPERATIONS = [
    *tts.OPERATIONS,
    *weights.OPERATIONS,
    *voices.OPERATIONS,
    *upload.OPERATIONS,
    *performance.OPERATIONS,
]
