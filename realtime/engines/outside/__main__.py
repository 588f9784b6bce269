"""The program that runs one engine for the server: `python -m realtime.engines.outside ADAPTER`.

The server starts it and hands it one end of a socket. By hand it has nothing to talk to.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m realtime.engines.outside")
    parser.add_argument("adapter", help="a module of realtime/engines/outside/adapters")
    parser.add_argument("--socket", type=int, required=True, help="descriptor of the connection")
    parser.add_argument(
        "--lifeline", type=int, required=True, help="pipe that ends with the server"
    )
    parser.add_argument("--niceness", type=int, default=0)
    parser.add_argument("--network", action="store_true", help="allow connections to others")
    options = parser.parse_args()
    # The repository lies first on the path because of -m; its folders have names such as `models`,
    # which must not hide a module of the engine's own environment.
    sys.path.append(sys.path.pop(0))
    from realtime.engines.outside import isolation

    isolation.become_guarded(options.lifeline)  # before a library starts a thread
    from realtime.engines.outside.adapter import find_adapter
    from realtime.engines.outside.host import Host

    os.set_inheritable(options.socket, False)
    if options.niceness:
        os.nice(options.niceness)
    if not options.network:
        isolation.forbid_network()
    Host(socket.socket(fileno=options.socket), find_adapter(options.adapter)).run()


if __name__ == "__main__":
    main()
