"""The command line of Yamabiko: reads the arguments and runs a command."""

from __future__ import annotations

import argparse
import os
import sys

from realtime.cli import commands
from realtime.cli.options import settings_of
from realtime.configuration import share_cores
from realtime.errors import YamabikoError

ENDED_BY_SIGPIPE = 141  # 128 + 13, as a shell has it


def main(arguments: list[str]) -> int:
    """Run one command; an error is two lines for a person, never a stack trace."""
    share_cores()
    options = commands.parse_arguments(arguments)
    try:
        code = _run(options)
        sys.stdout.flush()  # here, since at Python's end a closed pipe can no longer be caught
        return code
    except YamabikoError as error:
        print(f"yamabiko: {error.message}", file=sys.stderr)
        if error.hint:
            print(f"yamabiko: {error.hint}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # The reader has gone, as in `server.py check | head`. Python flushes once more when it
        # ends: what is left goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ENDED_BY_SIGPIPE
    except KeyboardInterrupt:
        return 130


def _run(options: argparse.Namespace) -> int:
    if options.command == commands.SERVE:
        from realtime.web.server.serve import serve

        return serve(settings_of(options))
    code: int = options.run(options)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
