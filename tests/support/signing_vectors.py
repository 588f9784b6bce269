"""The published vectors of signed requests and URLs, read for tests."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from tools.vectors import PATH

FILE = Path(__file__).resolve().parents[2] / PATH
VECTORS: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
REQUESTS = {vector["name"]: vector for vector in VECTORS["requests"]}
URLS = {vector["name"]: vector for vector in VECTORS["addresses"]}
REASONS = {"ok", "malformed", "unknown_key", "bad_signature", "stale", "future", "replayed"}

Vector = dict[str, Any]


def body_of(vector: Vector) -> bytes:
    if "body_base64" in vector:
        return base64.b64decode(vector["body_base64"])
    return str(vector["body"]).encode()
