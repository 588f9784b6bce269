"""Tests of the settings: each has a name, an explanation and an allowed default."""

from __future__ import annotations

from realtime.configuration import load_settings
from realtime.settings import Settings, all_settings, value_of


def test_every_default_is_itself_allowed() -> None:
    defaults = {setting.name: setting.default for setting in all_settings()}
    assert load_settings(options=defaults, environ={}) == Settings()


def test_keys_name_every_value() -> None:
    assert value_of(Settings(), "limits.text") == 5000
    assert all(setting.help for setting in all_settings())
