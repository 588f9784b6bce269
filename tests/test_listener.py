"""The address to listen on: who may reach it, and whether it is free."""

from __future__ import annotations

import socket

import pytest

from realtime.errors import SettingsError
from realtime.listener import bound_socket, check_host, is_loopback


@pytest.mark.parametrize("host", ["localhost", "a.localhost", "127.0.0.1", "127.9.9.9", "::1"])
def test_loopback_is_known(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "example.com", "localhost.example", ""])
def test_what_is_not_loopback_is_known(host: str) -> None:
    assert not is_loopback(host)


def test_other_machines_need_keys() -> None:
    check_host("0.0.0.0", has_keys=True)
    check_host("127.0.0.1", has_keys=False)
    with pytest.raises(SettingsError, match="loopback only") as refused:
        check_host("0.0.0.0", has_keys=False)
    assert refused.value.code == "keys_missing" and "key new bot" in str(refused.value.hint)


def test_a_free_port_is_bound() -> None:
    with bound_socket("127.0.0.1", 0) as listener:
        assert listener.getsockname()[1] > 0


def test_a_taken_port_is_told_with_another() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(SettingsError, match=f"Port {port} is taken") as refused:
            bound_socket("127.0.0.1", port)
    assert refused.value.code == "port_taken"
    assert f"--port {port % 65535 + 1}" in str(refused.value.hint)


def test_an_address_of_another_machine_cannot_be_bound() -> None:
    with pytest.raises(SettingsError, match=r"Cannot listen on 192\.0\.2\.1:0") as refused:
        bound_socket("192.0.2.1", 0)  # an address that RFC 5737 gives to nobody
    assert refused.value.code == "cannot_listen" and "--host" in str(refused.value.hint)


def test_of_two_servers_that_start_at_once_one_is_refused() -> None:
    """The first has not begun to accept: its models and its cache are still being opened."""
    with bound_socket("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(SettingsError, match=f"Port {port} is taken"):
            bound_socket("127.0.0.1", port)
