"""Imports go down the floors, libraries stay in their rooms, and importing does nothing."""

from __future__ import annotations

import ast
import functools
import subprocess
import sys
from pathlib import Path

import pytest

from tools.structure import imports

ROOT = Path(__file__).resolve().parent.parent
MOST_LINES = 310  # of a file: over it, a file rarely has one noun
MOST_FUNCTION_LINES = 50

# From the top down. A module imports from its own room, or from the rows below its own.
FLOORS = [
    ["server"],
    ["cli", "web"],
    ["services"],
    ["warm_up"],
    ["cloning", "live"],
    ["conversion"],
    ["speech"],
    ["models"],
    ["engines"],
    ["vocoders"],
    ["networks"],
    ["access", "acceleration"],
    ["cache", "weights"],
    ["audio", "characters", "configuration", "json_input", "log", "text"],
    ["settings"],
    """blocks cancellation change_event engine_settings files listener metrics model_id threads
    timer""".split(),
    ["errors"],
]
# Libraries and the rooms that may import them.
LIBRARIES = {
    "starlette": ["realtime.web"],
    "uvicorn": ["realtime.web", "server"],
    "onnxruntime": ["realtime.engines", "realtime.acceleration"],
    "onnx": ["realtime.acceleration", "realtime.engines"],
    "torch": [
        "realtime.engines",
        "realtime.vocoders",
        "realtime.networks",
        "realtime.acceleration",
    ],
    "safetensors": ["realtime.engines"],
    "triton": ["realtime.networks", "realtime.vocoders", "realtime.acceleration"],
    "faster_whisper": ["realtime.engines"],
    "ctranslate2": ["realtime.engines"],
    "silero_vad": ["realtime.engines"],
    "itsdangerous": ["realtime.access"],
    "os.environ": ["realtime.configuration"],
}
# Modules that are made of torch: their users import them when they load.
TORCH = [
    "realtime.acceleration.keep_fp32",
    "realtime.acceleration.kernel_check",
    "realtime.acceleration.out_of_memory",
    "realtime.acceleration.weight_norm",
    "realtime.engines.ddsp_svc.networks",
    "realtime.engines.gpt_sovits.networks",
    "realtime.engines.rvc.networks",
    "realtime.engines.valle.networks",
    "realtime.networks",
    "realtime.vocoders.networks",
]


MODULES = imports.modules(ROOT)
ROOMS = sorted({imports.own_room(name, MODULES) for name in MODULES} - {"realtime"})


@functools.cache
def links() -> imports.Graph:
    """Read the imports of all modules: in a test, since every run collects and few run them."""
    return imports.room_graph(MODULES)


def floor(room: str) -> int:
    """Return the number of a room's row, counted from the top."""
    found = [number for number, row in enumerate(FLOORS) if room in row]
    assert len(found) == 1, f"{room} stands on {len(found)} floors: the table has each room once"
    return found[0]


def in_room(name: str, room: str) -> bool:
    return name == room or name.startswith(room + ".")


@pytest.mark.parametrize("room", ROOMS)
def test_imports_go_down(room: str) -> None:
    for other in links()[room] - {"realtime"}:
        assert floor(other) > floor(room), f"{room} must not import {other}"


def test_the_table_names_no_room_that_is_gone() -> None:
    assert {room for row in FLOORS for room in row} == set(ROOMS)


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert imports.cycles(imports.graph(MODULES)) == []


def test_libraries_stay_in_their_rooms() -> None:
    assert [
        f"{name} must not import {library}"
        for name, path in MODULES.items()
        for library in imports.imported(path, MODULES)
        if (rooms := LIBRARIES.get(library.partition(".")[0])) is not None
        and not any(in_room(name, room) for room in rooms)
    ] == []


def test_only_settings_reads_the_environment() -> None:
    for name, path in MODULES.items():
        reads = "os.environ" in path.read_text(encoding="utf-8")
        assert not reads or name == "realtime.configuration", f"{name} reads the environment"


def test_files_stay_small() -> None:
    sizes = {n: len(p.read_text(encoding="utf-8").splitlines()) for n, p in MODULES.items()}
    assert {name: size for name, size in sizes.items() if size > MOST_LINES} == {}, "two nouns?"


def test_functions_stay_small() -> None:
    over = {name: n for name, n in imports.function_lengths(MODULES) if n > MOST_FUNCTION_LINES}
    assert not over, "two names?"


def test_every_module_says_what_it_is() -> None:
    for name, path in MODULES.items():
        assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), name


def test_every_module_has_its_tests() -> None:
    """The engine contract and the routes cover what has no file of its own."""
    covered = {"server", "realtime.services", "realtime.errors", "realtime.web.server.serve"}
    covered |= {"realtime.audio.spoken", "realtime.speech.line", "realtime.vocoders.report"}
    covered |= {name for name, path in MODULES.items() if path.name == "__init__.py"}
    covered |= {name for name in MODULES if in_room(name, "realtime.engines")}
    tests = {path.stem.removeprefix("test_") for path in (ROOT / "tests").rglob("test_*.py")}
    missing = [n for n in MODULES if n not in covered and n.rpartition(".")[2] not in tests]
    assert not missing, f"no tests for {missing}"


IMPORT_ALL = """
import sys, threading, os
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {blocked}:
            raise ImportError(name)
sys.meta_path.insert(0, Blocked())
before = dict(os.environ)
import importlib
for name in {names}:
    importlib.import_module(name)
assert threading.active_count() == 1, "importing started a thread"
assert dict(os.environ) == before, "importing changed the environment"
heavy = {{"onnxruntime", "onnx", "torch", "av", "misaki", "jieba", "hibari", "pyopenjtalk"}}
heavy |= {{"faster_whisper", "ctranslate2"}}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
"""


def test_the_core_imports_without_web_and_torch_and_does_nothing() -> None:
    outside = ("realtime.web", "server", *TORCH)
    names = [name for name in MODULES if not any(in_room(name, room) for room in outside)]
    blocked = ("starlette", "uvicorn", "torch", "torchaudio")
    code = IMPORT_ALL.format(blocked=blocked, names=names)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
