"""The blocks that files in models/ need, as JSON: {block: [engine, …]}; it runs in .venv."""

from __future__ import annotations

import json

from realtime.configuration import load_settings
from realtime.engines.brought import blocks_of_brought_files
from realtime.errors import SettingsError


def main() -> None:
    """Print the blocks; settings that cannot be read are told when the server starts."""
    try:
        print(json.dumps(blocks_of_brought_files(load_settings({}))))
    except SettingsError:
        print("{}")


if __name__ == "__main__":
    main()
