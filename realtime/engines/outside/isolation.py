"""The isolation of a host: it dies with the server, and has no network unless allowed."""

from __future__ import annotations

import ctypes
import ipaddress
import os
import select
import signal
import socket
import sys
from typing import Any, NoReturn, Optional

PR_SET_PDEATHSIG = 1  # of prctl(2)
PR_SET_CHILD_SUBREAPER = 36


def become_guarded(lifeline: int) -> None:
    """Fork: this process becomes the guardian, and the function returns in the host alone.

    The guardian does nothing but wait. It kills the host, and all that it started, when the server
    is gone: the server holds the other end of the pipe `lifeline`, which the kernel closes whatever
    kills it. The kernel's signal for the death of a parent would not do alone: it reaches the host,
    not what the host started, and it comes with the end of the thread that started the process.
    """
    _prctl(PR_SET_CHILD_SUBREAPER, 1)  # what loses its parent is reaped here
    guardian = os.getpid()
    host = os.fork()
    if host == 0:
        os.setpgid(0, 0)
        _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # where somebody kills the guardian
        if os.getppid() != guardian:
            leave()
        os.close(lifeline)
        return
    _guard(host, lifeline)


def _guard(host: int, lifeline: int) -> NoReturn:
    """Wait until the host or the server ends; then leave nothing behind."""
    woken, waking = socket.socketpair()
    waking.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(waking.fileno())
    _close_others({lifeline, woken.fileno(), waking.fileno()})
    while (status := _status_of(host)) is None:
        ready, _, _ = select.select([lifeline, woken.fileno()], [], [])
        if lifeline in ready:
            break
        woken.recv(64)
    _kill_group(host)
    os._exit(1 if status is None else status)


def _close_others(kept: set[int]) -> None:
    """Close what the host has inherited too: its connection and its log must end with it."""
    for name in os.listdir("/proc/self/fd"):
        if int(name) not in kept:
            try:
                os.close(int(name))
            except OSError:
                pass  # the descriptor of the listing itself


def _status_of(host: int) -> Optional[int]:
    """Return the exit status of the host, as a shell has it; None while it runs."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return 1
        if pid == 0:
            return None
        if pid == host:
            return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def _kill_group(host: int) -> None:
    try:
        os.killpg(host, signal.SIGKILL)
    except ProcessLookupError:
        pass


def _prctl(option: int, value: int) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def leave() -> NoReturn:
    """Kill this process and all that it started."""
    os.killpg(0, signal.SIGKILL)
    os._exit(1)


def forbid_network() -> None:
    """Refuse connections to other machines, whatever library asks for one."""

    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "socket.getaddrinfo":
            _check_host(arguments[0])
        elif event in ("socket.connect", "socket.sendto") and isinstance(arguments[1], tuple):
            _check_host(arguments[1][0])

    sys.addaudithook(refuse)


def _check_host(host: Any) -> None:
    name = host.decode() if isinstance(host, bytes) else host
    if name in (None, "", "localhost") or _is_loopback(str(name)):
        return
    raise PermissionError(f"no connection to {name}: allow_downloads is off")


def _is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
