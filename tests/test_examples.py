"""The usual run has few examples, the thorough one as many as each test asks for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.inner_pytest import run_pytest

CONFTEST = """
import hypothesis
from tests.support.examples import PROFILES

for name, count in PROFILES.items():
    hypothesis.settings.register_profile(name, deadline=None, max_examples=count, database=None)
hypothesis.settings.load_profile("usual")
"""
TEST = """
from hypothesis import given, strategies as st
from tests.support.examples import examples

COUNTS = {"own": 0, "fewer": 0, "none_named": 0}

@examples(150)
@given(st.floats())
def test_own(number):
    COUNTS["own"] += 1

@examples(5)
@given(st.floats())
def test_fewer(number):
    COUNTS["fewer"] += 1

@given(st.floats())
def test_none_named(number):
    COUNTS["none_named"] += 1

def test_nothing_drawn():
    pass

def teardown_module():
    open("counts", "w").write(repr(COUNTS))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_it.py").write_text(TEST)
    return tmp_path


def test_the_usual_run_has_few(folder: Path) -> None:
    assert "4 passed" in run_pytest(folder)
    assert eval((folder / "counts").read_text()) == {"own": 20, "fewer": 5, "none_named": 20}


def test_the_thorough_run_has_all_and_only_tests_with_examples(folder: Path) -> None:
    run = ("-p", "_hypothesis_pytestplugin", "-m", "slow or hypothesis")
    assert "3 passed, 1 deselected" in run_pytest(folder, *run, "--hypothesis-profile=thorough")
    assert eval((folder / "counts").read_text()) == {"own": 150, "fewer": 5, "none_named": 100}
