"""The host's side runs in any environment: Python from 3.9 on, with numpy and msgspec alone."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "realtime" / "engines" / "outside"
HOST = ("__main__", "adapter", "failure", "host", "host_streams", "isolation", "protocol")
FILES = [ROOT / "realtime/__init__.py", ROOT / "realtime/engines/__init__.py"]
FILES += [FOLDER / "__init__.py", *(FOLDER / f"{name}.py" for name in HOST)]
FILES += sorted((FOLDER / "adapters").glob("*.py"))

ALONE = """
import sys
allowed = set(sys.stdlib_module_names) | {"numpy", "msgspec", "realtime", "_virtualenv"}
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in allowed:
            raise ImportError(f"{name} is not in the standard library")
sys.meta_path.insert(0, Blocked())
import importlib
for name in sys.argv[1:]:
    importlib.import_module(f"realtime.engines.outside.{name}")
ours = {name for name in sys.modules if name.startswith("realtime")}
assert all(name in ("realtime", "realtime.engines") or ".outside" in name for name in ours), ours
"""


def test_it_imports_the_standard_library_numpy_and_msgspec_alone() -> None:
    adapters = [f"adapters.{path.stem}" for path in (FOLDER / "adapters").glob("[!_]*.py")]
    done = subprocess.run(
        [sys.executable, "-c", ALONE, *HOST, *adapters], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_its_syntax_is_that_of_python_3_9(path: Path) -> None:
    ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 9))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_type_is_made_with_a_bar(path: Path) -> None:
    """`X | None` is an error in 3.9 wherever it is evaluated: in isinstance and in messages."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    types = {"None", "int", "str", "float", "bytes", "list", "dict", "tuple", "type"}
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            sides = {ast.unparse(node.left), ast.unparse(node.right)}
            assert not sides & types, f"{path.name}, line {node.lineno}: {ast.unparse(node)}"
    assert path.name == "__init__.py" or "from __future__ import annotations" in path.read_text()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_newer_argument_of_a_builtin_is_used(path: Path) -> None:
    newer = {"zip": "strict", "dataclass": "slots", "field": "kw_only"}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and (name := ast.unparse(node.func)) in newer:
            assert newer[name] not in {each.arg for each in node.keywords}, path.name
