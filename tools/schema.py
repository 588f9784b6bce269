"""A writer of the JSON Schema of the live protocol: `python -m tools.schema`."""

from __future__ import annotations

import json
from pathlib import Path

from realtime.live.protocol import schema

PATH = Path("docs/protocol.schema.json")


def main() -> None:
    PATH.write_text(json.dumps(schema(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
