"""The page's modules: node runs their tests, and each is small and says what it is.

`make test` runs biome for the rest: the form of the code, faults in it, functions of 50 lines.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted((ROOT / "static").rglob("*.js"))
TESTS = sorted((ROOT / "tests" / "js").glob("*.test.mjs"))
MOST_LINES = 310
# The first comment begins with a noun: it says what the module is.
NO_NOUN = (
    "what who whoever how where when why which whether nothing everything it as in on for".split()
)


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.name)
def test_node_agrees(path: Path) -> None:
    node = shutil.which("node")
    if node is None and "CI" not in os.environ:
        pytest.skip("there is no node")
    assert node, "there is no node: install nodejs"
    # Without `--test`, which starts one more process for the file.
    command = [node, "--test-reporter=tap", str(path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    counted = re.search(r"^# pass (\d+)$", done.stdout, re.MULTILINE)
    assert counted and int(counted[1]) > 3, "no tests were found"


@pytest.mark.parametrize("path", [*MODULES, *TESTS], ids=lambda path: path.name)
def test_modules_stay_small_and_say_what_they_are(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    said = re.match(r"// (\w+)", text)
    assert said and said[1].lower() not in NO_NOUN, f"{path.name} does not say what it is"
    assert len(text.splitlines()) <= MOST_LINES, f"{path.name} is too long: two nouns?"


@pytest.mark.parametrize(
    "path", [path for path in MODULES if ".worklet." in path.name], ids=lambda path: path.name
)
def test_worklets_import_nothing(path: Path) -> None:
    assert not re.search(r"^\s*import\b", path.read_text(encoding="utf-8"), re.MULTILINE)
