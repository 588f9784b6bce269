"""The command line of Yamabiko: it reads the arguments and hands over."""

from __future__ import annotations

import sys

from realtime.cli import commands
from realtime.errors import YamabikoError


def main(arguments: list[str]) -> int:
    """Run one command; errors are told in two lines, never as a stack trace."""
    options = commands.parsed(arguments)
    try:
        if options.command == "serve":
            from realtime.web.server.serve import serve

            return serve(commands.settings_of(options))
        return commands.COMMANDS[options.command](options)
    except YamabikoError as error:
        print(f"yamabiko: {error.message}", file=sys.stderr)
        if error.hint:
            print(f"yamabiko: {error.hint}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
