"""Facts for `check`: values as a person may see them, and folders that are not there yet."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from realtime.cli.check_facts import nearest_folder, report_devices, report_settings
from realtime.configuration import LoadedSettings
from realtime.settings import CacheSettings, LimitsSettings, Settings


def test_values_are_those_of_json_and_keep_secrets() -> None:
    settings = replace(
        Settings(),
        keys=("bot:hidden", "page:hidden"),
        limits=LimitsSettings(storage="rediss://me:hidden@cache.example:6379/0"),
    )
    found = {each.name: each for each in report_settings(LoadedSettings(settings, {"keys": "F"}))}
    assert found["keys"].value == ["bot:…", "page:…"] and found["keys"].source == "F"
    assert found["limits.storage"].value == "rediss://…@cache.example:6379/0"
    assert found["models.path"].value == found["models.path"].default == "models"
    assert found["preload"].value == ["hibari"] and found["preload"].source is None
    assert found["default_characters"].value["zh"] == "zf_xiaoxiao"


@pytest.mark.parametrize("name", [".", "none", "none/deeper/still"])
def test_the_nearest_folder_is_one_that_exists(tmp_path: Path, name: str) -> None:
    assert nearest_folder(tmp_path / name) == tmp_path


def test_the_disk_of_a_cache_that_is_not_there_yet(tmp_path: Path) -> None:
    settings = replace(Settings(), cache=CacheSettings(path=tmp_path / "none/cache"))
    disk = report_devices(settings).disk
    assert disk.path == str(tmp_path / "none/cache") and disk.free_bytes > 0
