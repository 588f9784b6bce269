"""The socket on which the server listens: the host is checked, the port is bound."""

from __future__ import annotations

import errno
import ipaddress
import socket

from realtime.errors import SettingsError


def check_host(host: str, has_keys: bool) -> None:
    """Refuse to listen for other machines without keys: every request would be let in."""
    if not has_keys and not is_loopback(host):
        raise SettingsError(
            f"host is {host!r}; without keys the server listens on loopback only.",
            code="keys_missing",
            hint="Make a key first: python server.py key new bot",
        )


def bound_socket(host: str, port: int) -> socket.socket:
    """Bind the address and listen; refuse one that is taken, or that this machine does not have.

    Two programs can bind one port as long as neither listens. A client that comes before the server
    is up waits until it is.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen()
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise SettingsError(
                f"Port {port} is taken.",
                code="port_taken",
                hint=f"Stop what listens there, or choose another: --port {port % 65535 + 1}.",
            ) from error
        raise SettingsError(
            f"Cannot listen on {host}:{port}: {error.strerror}.",
            code="cannot_listen",
            hint="Choose another with --host and --port; 127.0.0.1 is this machine alone.",
        ) from error
    return listener


def is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
