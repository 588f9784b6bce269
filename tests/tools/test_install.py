"""The installation: blocks, stamps, a broken environment, and what a person sees of pip."""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tools.install import __main__ as command
from tools.install import driver, pins, virtualenv
from tools.install.pip import Pip, Progress, advice, last_words

ROOT = Path(__file__).resolve().parents[2]


def wheel(folder: Path, name: str, requires: str = "", size: int = 100) -> Path:
    """Write a package that pip can install without any registry."""
    info = f"{name}-1.0.dist-info"
    files = {
        f"{name}.py": "#" * size,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
        + (f"Requires-Dist: {requires}\n" if requires else ""),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = ""
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode()
        record += f"{path},sha256={digest.rstrip('=')},{len(text)}\n"
    files[f"{info}/RECORD"] = record + f"{info}/RECORD,,\n"
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for inside, text in files.items():
            archive.writestr(inside, text)
    return path


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make one environment that several tests install into."""
    folder = tmp_path_factory.mktemp("install") / ".venv"
    assert virtualenv.ready(folder)
    return folder


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let pip find packages in a folder, and nowhere else."""
    wheel(tmp_path, "bell", requires="clapper")
    wheel(tmp_path, "clapper")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setattr("tools.install.pip.PIP", "pip")  # the one that is there
    return tmp_path


def test_pins_lie_in_their_blocks() -> None:
    found = pins.read(ROOT)
    assert list(found) == ["core", "torch", "revoice", "denoise", "tests"]
    assert all("==" in pin for block in found.values() for pin in block.all)
    assert any(pin.startswith("torch==") for pin in found["torch"].pins)
    assert not any(pin.startswith("torch") for pin in found["core"].all)


def test_packages_without_dependencies_are_in_known_blocks() -> None:
    listed = pins.blocks((ROOT / pins.NO_DEPS).read_text(encoding="utf-8"))
    known = pins.read(ROOT)
    assert listed and all(list(known[name].no_deps) == found for name, found in listed.items())


def test_a_stamp_holds_for_its_very_pins(tmp_path: Path) -> None:
    stamps = pins.Stamps(tmp_path / "installed")
    assert not stamps.has("core", ["a==1"])
    stamps.add("core", ["a==1"])
    assert stamps.has("core", ["a==1"]) and not stamps.has("core", ["a==2"])
    stamps.add("core", ["a==2"])
    assert not stamps.has("core", ["a==1"]), "its packages were replaced"


def test_packages_are_installed_and_counted(
    environment: Path, registry: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert Pip(environment).install(["bell==1.0"], ["core"])
    shown = capsys.readouterr().out
    assert shown.startswith("Installing core into .venv\n")
    assert "Installed: 2 packages" in shown, "the one that was needed counts"
    assert "WARNING" not in shown
    done = subprocess.run([virtualenv.python(environment), "-c", "import bell, clapper"])
    assert done.returncode == 0


def test_a_package_may_come_without_what_it_depends_on(environment: Path, registry: Path) -> None:
    wheel(registry, "drum", requires="no-such-package")
    known = {"core": pins.Block(["clapper==1.0"], ["drum==1.0"])}
    assert command.install(environment, known, ["core"])
    done = subprocess.run([virtualenv.python(environment), "-c", "import drum, clapper"])
    assert done.returncode == 0
    assert not Pip(environment).install(["drum==1.0", "bell==1.0"], ["core"])


def test_a_failure_shows_the_last_words_and_what_to_do(
    environment: Path, registry: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not Pip(environment).install(["no-such-package==9"], ["core"])
    shown = capsys.readouterr().out
    assert "ERROR: No matching distribution found for no-such-package==9" in shown
    assert "What to do: see that the package registry can be reached" in shown
    assert "no-such-package" in (environment / "install.log").read_text(encoding="utf-8")


def test_a_failed_block_gets_no_stamp(environment: Path, registry: Path) -> None:
    for block in (pins.Block(["no-such-package==9"]), pins.Block([], ["no-such-package==9"])):
        assert not command.install(environment, {"core": block}, ["core"])
        assert not pins.Stamps(environment / "installed").has("core", block.all)


def test_an_environment_that_works_is_left_alone(environment: Path) -> None:
    mark = environment / "mark"
    mark.touch()
    assert virtualenv.ready(environment) and mark.exists()


@pytest.mark.slow
def test_a_broken_environment_is_made_anew(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / ".venv"
    folder.mkdir()
    (folder / "pyvenv.cfg").touch()
    assert "its Python is gone" in virtualenv.broken(folder)
    assert virtualenv.ready(folder)
    assert ".venv is broken (its Python is gone): it is made anew." in capsys.readouterr().out
    assert virtualenv.broken(folder) == ""
    (folder / virtualenv.UNFINISHED).touch()
    assert virtualenv.broken(folder) == "its making was interrupted"


def test_an_environment_without_pip_is_broken(tmp_path: Path) -> None:
    folder = tmp_path / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    assert virtualenv.broken(folder) == "its pip does not work"


def test_a_folder_that_is_no_environment_is_not_removed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / ".venv"
    folder.mkdir()
    (folder / "letters").write_text("dear")
    assert not virtualenv.ready(folder)
    assert (folder / "letters").exists() and "move it away" in capsys.readouterr().out


def test_the_driver_is_looked_for_without_cuda(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ctypes.util.find_library", lambda name: None)
    assert not driver.found((str(tmp_path / "version"),))
    (tmp_path / "version").touch()
    assert driver.found((str(tmp_path / "version"),))


def test_progress_is_read_from_pips_lines() -> None:
    progress = Progress(["torch==2.11.0", "numpy==2.4.6"])
    for line in [
        "Collecting torch==2.11.0 (from -r x.txt (line 1))",
        "  Downloading torch-2.11.0-cp311-cp311-manylinux_2_28_x86_64.whl.metadata (29 kB)",
        "Collecting sympy>=1.13 (from torch==2.11.0->-r x.txt (line 1))",
        "Processing /wheels/numpy-2.4.6-cp311-cp311-linux_x86_64.whl (from -r x.txt (line 2))",
        "Downloading torch-2.11.0-cp311-cp311-manylinux_2_28_x86_64.whl (800.0 MB)",
        "Progress 200000000 of 800000000",
    ]:
        progress.read(line)
    assert progress.names == {"torch", "numpy", "sympy"}
    assert progress.line(83, 0) == "3 packages, 0 MB, 1:23: fetching torch (200 of 800 MB)"
    progress.read("Installing collected packages: numpy, sympy, torch")
    assert progress.line(120, 2) == "2 of 3 packages installed, 800 MB fetched, 2:00"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["ERROR: Could not install: [Errno 28] No space left on device"], "free some disk space"),
        (["ERROR: No matching distribution found for x"], "registry can be reached"),
        (["WARNING: noise", "boom"], "try again"),
    ],
)
def test_advice_follows_the_cause(words: list[str], expected: str) -> None:
    assert expected in advice(words)
    assert not any(line.startswith("WARNING") for line in last_words(words))


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder whose environment and packages are stand-ins."""
    for name in (pins.LIST, pins.NO_DEPS):
        shutil.copy(ROOT / name, tmp_path)
    monkeypatch.setattr(command, "ROOT", tmp_path)
    monkeypatch.setattr(command.virtualenv, "ready", lambda folder: True)
    monkeypatch.delenv("LIGHT", raising=False)
    return tmp_path


NEEDED = {"torch": "Files in models/ for valle need the block torch"}


@pytest.mark.parametrize(
    ("blocks", "light", "useful", "expected"),
    [
        ([], "", {}, ["core"]),
        ([], "", NEEDED, ["core", "torch"]),
        (["torch"], "", {}, ["core", "torch"]),
        (["torch"], "1", NEEDED, ["core"]),
        (["revoice"], "1", {}, ["core", "revoice"]),
        (["revoice"], "", {"revoice": "Files need it"}, ["core", "revoice"]),
    ],
)
def test_a_block_comes_where_it_is_of_use(
    checkout: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    blocks: list[str],
    light: str,
    useful: dict[str, str],
    expected: list[str],
) -> None:
    installed: list[str] = []

    def install(folder: Path, known: dict[str, pins.Block], wanted: list[str]) -> bool:
        installed.extend(wanted)
        return True

    monkeypatch.setattr(command, "install", install)
    monkeypatch.setattr(command, "useful", lambda folder: dict(useful))
    monkeypatch.setenv("LIGHT", light)
    assert command.main(blocks) == 0
    assert installed == expected
    told = capsys.readouterr().out
    assert ("LIGHT=1 leaves it out" in told) == (light == "1" and "torch" in useful)
    assert ("so it is installed too" in told) == (useful == NEEDED and not light)


def test_what_is_useful_here_is_found_with_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "found", lambda: False)
    monkeypatch.setenv("YAMABIKO_MODELS__PATH", "/nowhere")
    assert command.useful(ROOT / ".venv") == {}
    monkeypatch.setattr(driver, "found", lambda: True)
    assert "NVIDIA driver" in command.useful(ROOT / ".venv")["torch"]


def test_files_that_people_brought_bring_their_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "torchscript" / "shifter"
    folder.mkdir(parents=True)
    (folder / "model.pt").write_bytes(b"PK")
    monkeypatch.setattr(driver, "found", lambda: False)
    monkeypatch.setenv("YAMABIKO_MODELS__PATH", str(tmp_path))
    assert "torchscript" in command.useful(ROOT / ".venv")["torch"]


def test_an_unknown_block_is_named(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["tourch"]) == 1
    assert "There is no block tourch; there are: core, torch, revoice, denoise, tests." in (
        capsys.readouterr().out
    )
