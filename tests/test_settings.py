"""Every setting has a name, an explanation and a default that is allowed."""

from __future__ import annotations

from realtime.configuration import load_settings
from realtime.settings import Settings, keys, value_of


def test_every_default_is_itself_allowed() -> None:
    defaults = {key.name: key.default for key in keys()}
    assert load_settings(options=defaults, environ={}) == Settings()


def test_keys_name_every_value() -> None:
    assert value_of(Settings(), "limits.text") == 5000
    assert all(key.help for key in keys())
