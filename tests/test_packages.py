"""Files of packages are found without importing the packages."""

from __future__ import annotations

import sys
from pathlib import Path

from realtime.packages import packaged_path


def test_a_file_of_a_package_is_found() -> None:
    assert packaged_path("realtime/errors.py") == Path("realtime/errors.py").resolve()


def test_what_is_not_there_is_none() -> None:
    assert packaged_path("no_such_package/x") is None
    assert packaged_path("realtime/no_such_file") is None
    assert packaged_path("this/x") is None and "this" not in sys.modules
