"""Docstrings begin with the right word; a class name has one meaning; ruff sees every file."""

from __future__ import annotations

import ast
import functools
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tools.structure import imports

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("realtime", "tools", "benchmarks", "tests", "examples")
FILES = [ROOT / "server.py", *sorted(p for f in FOLDERS for p in (ROOT / f).rglob("*.py"))]

# A docstring that begins so is a riddle before it is a fact.
RIDDLES = set(
    """what who whoever whose whom whether which how where when whenever nothing nobody none no not
    never once somebody someone everybody everything anything anybody one ones all those these this
    that it he she they we as than same both few many most more less such and or but if so from for
    with without in on of at to by into onto until is are was has have does did""".split()
)
# A function does something: its docstring begins with the verb.
NO_VERBS = RIDDLES | set("the a an its their his her each every some several any".split())
Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def statements(node: ast.AST) -> Iterator[ast.AST]:
    """Walk a module's statements: no docstring lies in an expression, and there are many."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.expr):
            yield from statements(child)


@functools.cache
def documented() -> list[tuple[Path, Documented, str]]:
    """List everything that has a docstring, with it."""
    return [
        (path.relative_to(ROOT), node, text)
        for path in FILES
        for node in statements(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, Documented) and (text := ast.get_docstring(node))
    ]


def is_wrong(node: Documented, text: str, in_tests: bool) -> bool:
    """Tell whether the first word of a docstring is one that it must not begin with."""
    word = re.sub(r"\W+$", "", text.split()[0]).lower()
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not in_tests:
        return word in NO_VERBS or not word[:1].isalpha()
    return word in RIDDLES


def test_docstrings_begin_with_a_verb_or_a_noun() -> None:
    assert not [
        (str(path), text.splitlines()[0])
        for path, node, text in documented()
        if is_wrong(node, text, in_tests="tests" in path.parts)
    ]


def test_no_docstring_tells_what_a_module_does_not_know() -> None:
    """The layers' test holds that, where it is true."""
    for path, _, text in documented():
        assert not re.search(r"\bit knows no|\bknows nothing|\bknow no\b", text), path


def test_a_class_name_has_one_meaning() -> None:
    """A name that two rooms give to classes of their own misleads in both."""
    modules = imports.modules(ROOT)
    rooms: dict[str, set[str]] = {}
    for name, path in modules.items():
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                rooms.setdefault(node.name, set()).add(imports.room(name, modules))
    assert {name: found for name, found in rooms.items() if len(found) > 1} == {}


def test_ruff_sees_every_python_file() -> None:
    command = [sys.executable, "-m", "ruff", "check", "--show-files"]
    seen = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    there = {ROOT / name for name in listed.splitlines() if (ROOT / name).exists()}
    assert there and there <= {Path(name) for name in seen.splitlines()}
