"""A program that makes the file which an engine prepares once; the server runs it beside itself.

Its arguments are the engine's name and the folder of the models, then `download` where missing
weights may be fetched.
"""

from __future__ import annotations

import sys
from pathlib import Path

from realtime.engines import registry
from realtime.engines.contract import PreparesFiles
from realtime.errors import YamabikoError
from realtime.settings import ModelsSettings, Settings

DOWNLOAD = "download"


def main(arguments: list[str]) -> int:
    name, models, *more = arguments
    settings = Settings(
        models=ModelsSettings(path=Path(models)), allow_downloads=more == [DOWNLOAD]
    )
    engine = registry.create(name, settings)
    assert isinstance(engine, PreparesFiles), "the server asks for no other engine"
    try:
        engine.prepare()
    except (YamabikoError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
