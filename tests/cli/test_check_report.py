"""The report: problems that stop something come first, and decide whether all is well."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from realtime.cli.check_report import make_report
from realtime.configuration import LoadedSettings
from realtime.settings import Settings


@pytest.fixture
def misplaced(settings: Settings, tmp_path: Path) -> Settings:
    """Give settings with which all is well but for a file in the wrong place."""
    (tmp_path / "vocoder.pth").write_bytes(b"PK")
    return replace(settings, port=0, models=replace(settings.models, path=tmp_path))


def test_a_warning_leaves_all_well(misplaced: Settings) -> None:
    report = make_report(LoadedSettings(misplaced, {}))
    assert report.ok and [each.code for each in report.problems] == ["file_misplaced"]


def test_what_stops_something_comes_first(misplaced: Settings) -> None:
    report = make_report(LoadedSettings(replace(misplaced, preload=("bell",)), {}))
    assert not report.ok
    assert [each.code for each in report.problems] == ["bad_settings", "file_misplaced"]
