"""Imports go down the floors, libraries stay in their rooms, and importing does nothing."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# From the top down. A module may import any lower floor, never its own or a higher one.
FLOORS = [
    ["server"],
    ["realtime.web.serve"],
    ["realtime.web.app"],
    ["realtime.web.*"],
    ["realtime.commands"],
    [
        "realtime.keyring",
        "realtime.dubbing",
        "realtime.rewriting",
        "realtime.enrolling",
        "realtime.vocoding",
    ],
    ["realtime.services", "realtime.session"],
    ["realtime.utterance", "realtime.listening"],
    ["realtime.stage"],
    ["realtime.release"],
    ["realtime.protocol"],
    ["realtime.messages"],
    ["realtime.allowance"],
    ["realtime.prefetch"],
    ["realtime.studio", "realtime.enrolment"],
    ["realtime.clips"],
    ["realtime.revoice", "realtime.revoice.*"],
    ["realtime.speech"],
    ["realtime.conversion", "realtime.conversion.*"],
    ["realtime.draft"],
    ["realtime.wish"],
    ["realtime.variants"],
    ["realtime.tape"],
    ["realtime.synthesis"],
    ["realtime.cache", "realtime.cache.*"],
    ["realtime.models"],
    ["realtime.lanes"],
    ["realtime.engines"],
    ["realtime.engines.*"],
    ["realtime.engines.vocoders"],
    [
        "realtime.engines.phonemes",
        "realtime.engines.pulses",
        "realtime.engines.vocoder",
        "realtime.engines.checkpoints",
    ],
    [
        "realtime.engines.frames",
        "realtime.engines.modelfile",
        "realtime.engines.whisperfiles",
        "realtime.engines.batches",
        "realtime.engines.headroom",
        "realtime.engines.readiness",
    ],
    ["realtime.engines.base"],
    ["realtime.valle", "realtime.valle.*"],
    ["realtime.acceleration.*", "realtime.acceleration", "realtime.weights", "realtime.line"],
    ["realtime.networks.*", "realtime.networks"],
    ["realtime.characters", "realtime.characters.*"],
    ["realtime.frames"],
    ["realtime.formats", "realtime.decoding", "realtime.signing", "realtime.signing.*"],
    ["realtime.sola", "realtime.change"],
    ["realtime.text.*", "realtime.text", "realtime.audio", "realtime.trim"],
    ["realtime.packages"],
    ["realtime.configuration"],
    ["realtime.log"],
    ["realtime.settings", "realtime.metrics", "realtime.timer", "realtime.playback"],
    ["realtime.enginesettings"],
    ["realtime.setting"],
    [
        "realtime.threads",
        "realtime.wholefile",
        "realtime.progress",
        "realtime.memory",
        "realtime.troubles",
    ],
    ["realtime.outbox", "realtime.flood", "realtime.values"],
    ["realtime.errors"],
    ["realtime"],
]
# Rooms whose modules may import each other: many small parts of one thing, with no cycle.
SHARED = [
    "realtime.text",
    "realtime.web",
    "realtime.characters",
    "realtime.cache",
    "realtime.signing",
    "realtime.conversion",
    "realtime.networks",
    "realtime.acceleration",
    "realtime.revoice",
    "realtime.valle",
]
ROOMS = {
    "starlette": ["realtime.web"],
    "uvicorn": ["realtime.web", "server"],
    "onnxruntime": ["realtime.engines", "realtime.acceleration"],
    "onnx": ["realtime.acceleration"],
    "torch": ["realtime.engines", "realtime.networks", "realtime.acceleration", "realtime.valle"],
    "safetensors": ["realtime.valle"],
    "triton": ["realtime.networks", "realtime.acceleration"],
    "faster_whisper": ["realtime.engines"],
    "ctranslate2": ["realtime.engines"],
    "silero_vad": ["realtime.engines"],
    "itsdangerous": ["realtime.signing"],
    "os.environ": ["realtime.configuration"],
}


def modules() -> dict[str, Path]:
    found = {"server": ROOT / "server.py"}
    for path in sorted((ROOT / "realtime").rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        found[name.removesuffix(".__init__")] = path
    return found


MODULES = modules()


def floor(name: str) -> int:
    exact = [i for i, names in enumerate(FLOORS) if name in names]
    room = [i for i, names in enumerate(FLOORS) if name.rpartition(".")[0] + ".*" in names]
    found = exact or room
    assert found, f"{name} stands on no floor: add it to the table"
    return found[0]


def imports(path: Path) -> list[str]:
    """Every module a file imports, wherever in the file."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found.append(inner if inner in MODULES else node.module)
    return found


def in_room(name: str, room: str) -> bool:
    return name == room or name.startswith(room + ".")


@pytest.mark.parametrize("name", MODULES)
def test_imports_go_down(name: str) -> None:
    for other in imports(MODULES[name]):
        if other not in MODULES:
            continue
        if any(in_room(name, room) and in_room(other, room) for room in SHARED):
            continue
        assert floor(other) > floor(name), f"{name} must not import {other}"


@pytest.mark.parametrize("name", MODULES)
def test_libraries_stay_in_their_rooms(name: str) -> None:
    for library in imports(MODULES[name]):
        rooms = ROOMS.get(library.partition(".")[0])
        assert rooms is None or any(in_room(name, room) for room in rooms), (
            f"{name} must not import {library}"
        )


def test_only_settings_reads_the_environment() -> None:
    for name, path in MODULES.items():
        reads = "os.environ" in path.read_text(encoding="utf-8")
        assert not reads or name == "realtime.configuration", f"{name} reads the environment"


@pytest.mark.parametrize("name", MODULES)
def test_files_and_functions_stay_small(name: str) -> None:
    text = MODULES[name].read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 310, f"{name} is too long: two nouns?"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            assert length <= 50, f"{name}.{node.name} has {length} lines: two names?"


def test_every_module_says_what_it_is() -> None:
    for name, path in MODULES.items():
        assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), name


def test_every_module_has_its_tests() -> None:
    """The engine contract and the doors cover what has no file of its own."""
    covered = {"server", "realtime", "realtime.line", "realtime.errors", "realtime.web.serve"}
    covered |= {name for name in MODULES if in_room(name, "realtime.engines")}
    covered |= {"realtime.web", "realtime.text", "realtime.acceleration", "realtime.services"}
    covered |= {"realtime.conversion", "realtime.networks"}
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
    outside = (
        "realtime.web",
        "realtime.networks",
        "server",
    )  # networks are torch, engines need them
    names = [name for name in MODULES if not any(in_room(name, room) for room in outside)]
    blocked = ("starlette", "uvicorn", "torch", "torchaudio")
    code = IMPORT_ALL.format(blocked=blocked, names=names)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
