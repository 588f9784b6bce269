"""The command `check`: problems first with what solves them, then what is there."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import server
from realtime.acceleration import cuda_driver
from realtime.models import nvidia
from realtime.models.nvidia import NvidiaDriver, NvidiaGpu
from realtime.settings import ModelsSettings, PresetsSettings, Settings, all_settings
from tests.support import small_valle, valle_files
from tests.support.character_files import save_card
from tests.support.fake_nvidia import build_driver
from tests.support.hidden_libraries import REVOICE, TORCH, hide
from tests.support.server import scripted_services, serving
from tests.support.torchscript_models import Filter, scripted
from tests.support.vocoder_files import bring_hifigan

ROOT = Path(__file__).resolve().parents[2]
SECTIONS = ["Problems", "Warnings", "Server", "Engines", "Environments of engines", "Devices"]
SECTIONS += ["Characters", "Files in the models folder", "Settings that differ from their defaults"]
SECRET = "s3cret" * 7 + "x"  # 43 characters, as a key has
TORCH_COMMAND = "un `make serve EXTRAS=torch`"

Check = Callable[..., tuple[int, str]]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the command folders of its own, but the real characters, and any free port."""
    for name in list(os.environ):
        if name.startswith("YAMABIKO_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    own = {"MODELS__PATH": "models", "CACHE__PATH": "cache", "PORT": "0"}
    own |= {"PRESETS__PATH": str(ROOT / "presets"), "AUTH__KEYS_PATH": "keys.yaml"}
    for name, value in own.items():
        monkeypatch.setenv(f"YAMABIKO_{name}", value)
    (tmp_path / "models").mkdir()
    return tmp_path


@pytest.fixture
def check(folder: Path, capsys: pytest.CaptureFixture[str]) -> Check:
    """Return a function that runs the command; it gives the exit status and what was printed."""

    def run(*arguments: str) -> tuple[int, str]:
        capsys.readouterr()
        status = server.main(["check", *arguments])
        return status, capsys.readouterr().out

    return run


def section(shown: str, title: str) -> str:
    """Return the lines below a title."""
    return shown.partition(f"{title}\n")[2].partition("\n" + next_title(title))[0]


def next_title(title: str) -> str:
    later = SECTIONS[SECTIONS.index(title) + 1 :]
    return later[0] + "\n" if later else "\0"


def no_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the driver of NVIDIA that this machine may have."""
    monkeypatch.setattr(nvidia.NvidiaReader, "read", lambda self: None)
    monkeypatch.setattr(cuda_driver, "LIBRARY", "no-such-library.so")
    monkeypatch.setattr(cuda_driver, "has_usable_gpu", lambda: False)


def test_problems_come_first_and_there_are_none(check: Check) -> None:
    status, shown = check()
    titles = [line for line in shown.splitlines() if not line.startswith(" ")]
    assert (status, titles) == (0, SECTIONS)
    assert section(shown, "Problems") == section(shown, "Warnings") == "  none"
    assert "kokoro: can run (speaks)" in section(shown, "Engines")
    assert "20 in" in section(shown, "Characters") and "9 en" in section(shown, "Characters")


def test_what_nobody_asked_for_is_no_failure(check: Check) -> None:
    status, shown = check()
    engines = section(shown, "Engines")
    assert status == 0 and "valle: cannot run" in engines
    assert "vallex-checkpoint.pt is missing: put it (from the VALL-E X project" in engines
    assert "encodec_24khz-d7cc33bc.th is missing" in engines.partition("cloning: cannot run")[2]
    assert "vocoder.pth is missing" in engines.partition("hifigan: cannot run")[2]


def test_torchscript_cannot_run_without_a_model_or_torch(
    check: Check, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = check()[1]
    assert "torchscript: cannot run" in shown
    assert "put a TorchScript file at models/torchscript/NAME/model.pt" in shown
    scripted(folder / "models", "filter", Filter())
    assert "torchscript:filter: can run" in check()[1]
    hide(monkeypatch, TORCH)
    shown = check()[1]
    about = section(shown, "Engines").partition("torchscript:filter: cannot run")[2]
    assert about.splitlines()[1] == f"    torch is not installed: r{TORCH_COMMAND}"
    warned = "torchscript:filter, whose files were brought, cannot run: torch"
    assert warned in section(shown, "Warnings")


def test_a_preload_must_name_one_of_several_models(
    check: Check, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("low", "lower"):
        scripted(folder / "models", name, Filter())
    monkeypatch.setenv("YAMABIKO_PRELOAD", "hibari,torchscript,torchscript:low@cpu")
    problems = section(check()[1], "Problems")
    assert "must be named; there are: low, lower" in problems and "torchscript:low" not in problems


def test_the_vocoder_engine_needs_the_files_of_one(check: Check, folder: Path) -> None:
    about = section(check()[1], "Engines").partition("vocoder: cannot run")[2]
    assert "put config.json and bigvgan_generator.pt into models/bigvgan, or" in about
    assert "vocoder.pth into models/hifigan" in about
    bring_hifigan(folder / "models").joinpath("vocoder.pth").write_bytes(b"")
    about = section(check()[1], "Engines").partition("vocoder:hifigan: cannot run")[2]
    assert "vocoder.pth cannot be used: it is empty" in about.partition("bigvgan: ")[0]
    (folder / "models/hifigan/vocoder.pth").unlink()
    (folder / "models/hifigan").rmdir()
    bring_hifigan(folder / "models")
    assert "vocoder:hifigan: can run" in check()[1]


def test_a_broken_model_is_named(check: Check, folder: Path) -> None:
    path = scripted(folder / "models", "filter", Filter())
    path.write_bytes(b"no program")
    status, shown = check()
    assert status == 0
    assert "model.pt cannot be used: it is no TorchScript" in section(shown, "Warnings")


def test_a_missing_block_has_one_command(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    hide(monkeypatch, (*TORCH, *REVOICE))
    status, shown = check()
    assert status == 0, "neither is needed to speak"
    engines = section(shown, "Engines")
    for name in ("valle", "torchscript", "vocoder", "bigvgan", "hifigan", "cloning"):
        about = engines.partition(f"{name}: cannot run")[2]
        assert about.splitlines()[1].strip() == f"torch is not installed: r{TORCH_COMMAND}", name
    for name in ("silero", "revoice"):
        about = engines.partition(f"{name}: cannot run")[2]
        assert "run `make serve EXTRAS=revoice`" in about.splitlines()[1], name
    assert "torch: not installed" in section(shown, "Devices")


def test_an_engine_that_is_preloaded_must_run(
    check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YAMABIKO_PRELOAD", "hibari,torchscript,bell")
    hide(monkeypatch, TORCH)
    status, shown = check()
    problems = section(shown, "Problems")
    assert status == 1
    assert "torchscript, which preload names, cannot run: torch is not installed." in problems
    assert f"    R{TORCH_COMMAND}." in problems
    assert "There is no engine 'bell'" in problems
    monkeypatch.setenv("YAMABIKO_PRELOAD", "hibari")
    monkeypatch.setenv("YAMABIKO_WARM", "torchscript")
    assert "torchscript, which warm names, cannot run" in section(check()[1], "Problems")


def test_a_port_that_is_taken_is_told_with_another(check: Check) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        other.settimeout(0)
        port = other.getsockname()[1]
        status, shown = check("--port", str(port))
    assert status == 1
    assert f"Port {port} is taken." in section(shown, "Problems")
    assert f"--port {port + 1}" in section(shown, "Problems")


def test_a_server_that_runs_is_no_problem(check: Check, settings: Settings) -> None:
    with serving(scripted_services(settings)) as live:
        status, shown = check("--port", str(live.address[1]))
    assert status == 0
    assert "a Yamabiko server runs there" in section(shown, "Server")


def test_other_machines_need_a_key_which_is_never_shown(
    check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    status, shown = check("--host", "0.0.0.0")
    assert status == 1 and "python server.py key new bot" in section(shown, "Problems")
    monkeypatch.setenv("YAMABIKO_KEYS", f"bot:{SECRET}")
    monkeypatch.setenv("YAMABIKO_LIMITS__STORAGE", f"redis://me:{SECRET}@localhost:1/0")
    for options in ([], ["--settings"], ["--json"]):
        status, shown = check("--host", "0.0.0.0", *options)
        assert status == 0, shown
        assert SECRET not in shown and "bot:…" in shown and "redis://…@localhost:1/0" in shown


def test_keys_that_others_may_read(check: Check, folder: Path) -> None:
    (folder / "keys.yaml").write_text(f"bot: [{SECRET}]\n")
    (folder / "keys.yaml").chmod(0o644)
    status, shown = check()
    assert status == 0 and "Run `chmod 600 keys.yaml`." in section(shown, "Warnings")
    (folder / "keys.yaml").write_text("bot: [short]\n")
    status, shown = check()
    assert status == 1 and "43 base64url characters" in section(shown, "Problems")


@pytest.mark.parametrize("name", ["cache", "models", "presets"])
def test_a_folder_that_cannot_be_written(
    check: Check, folder: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (folder / "file").write_text("not a folder")
    monkeypatch.setenv(f"YAMABIKO_{name.upper()}__PATH", "file")
    status, shown = check()
    assert status == 1
    told = section(shown, "Warnings" if name == "presets" else "Problems")
    assert "The folder file cannot be written" in told and "it is a file" in told
    assert f"or set {name}.path to another folder." in told


def test_a_folder_that_the_system_protects(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YAMABIKO_CACHE__PATH", "/sys/kernel/yamabiko")  # not even for root
    status, shown = check()
    assert status == 1
    assert "The folder /sys/kernel/yamabiko cannot be written" in section(shown, "Problems")


def test_checking_leaves_nothing_behind(check: Check, folder: Path) -> None:
    check()
    assert [path.name for path in folder.rglob("*")] == ["models"]


WRONG = {
    "a web page": (b"<!DOCTYPE html><title>404</title>", "it is a web page"),
    "empty": (b"", "it is empty"),
    "a pointer": (b"version https://git-lfs.github.com/spec/v1\n", "pointer of Git LFS"),
    "another file": (b"\x08\x01", "not the expected file: its SHA-256 begins with"),
}


@pytest.mark.parametrize(("content", "words"), WRONG.values(), ids=WRONG)
def test_a_wrong_file_of_an_engine_that_is_needed(
    check: Check, folder: Path, content: bytes, words: str
) -> None:
    path = folder / "models/kokoro/kokoro-v1.0.int8.onnx"
    path.parent.mkdir()
    path.write_bytes(content)
    status, shown = check()
    problems = section(shown, "Problems")
    assert status == 1 and words in problems
    assert "kokoro, which " in problems and "needs to speak" in problems
    assert "emove it, then bring" in problems
    assert "kokoro: cannot run" in shown


def test_wrong_files_that_no_setting_needs(check: Check, folder: Path) -> None:
    own = replace(
        Settings(), models=ModelsSettings(folder / "models"), presets=PresetsSettings(folder)
    )
    small_valle.write_files(own)
    assert "valle: can run" in check()[1] and check()[0] == 0
    path = folder / "models/valle/vallex-checkpoint.pt"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    status, shown = check()
    assert status == 0, "no setting names it"
    assert "vallex-checkpoint.pt cannot be used: it ends too early" in section(shown, "Warnings")
    path.write_bytes(whole)
    yaml = folder / "models/valle/vocos/config.yaml"
    yaml.write_text(valle_files.VOCOS_YAML.replace("hop_length: 320", "hop_length: 256"))
    assert "hop_length is '256', not 320" in section(check()[1], "Warnings")
    (folder / "models/valle/vallex-checkpoint.safetensors").write_bytes(b"\xff" * 9)
    assert "no safetensors file" in section(check()[1], "Warnings")


def test_a_file_in_the_wrong_place(check: Check, folder: Path) -> None:
    (folder / "models/vallex-checkpoint.pt").write_bytes(b"PK")
    status, shown = check()
    assert status == 0
    warnings = section(shown, "Warnings")
    assert "models/vallex-checkpoint.pt lies where no engine looks for it." in warnings
    assert "Move it to models/valle/vallex-checkpoint.pt." in warnings
    files = section(shown, "Files in the models folder")
    assert files == "  vallex-checkpoint.pt (0.0 MB): no engine reads it"


def test_characters_that_are_broken_or_missing(
    check: Check, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = folder / "presets"
    own.mkdir()
    monkeypatch.setenv("YAMABIKO_PRESETS__PATH", "presets")
    save_card(own, "dawn", "language: ja\nvoice: {jf_alpha: 1}\n")
    (own / "dusk.yaml").write_text("voice: [")
    status, shown = check()
    assert status == 1
    assert "default_characters.en names it" in section(shown, "Problems")
    assert "The character file presets/dusk.yaml cannot be used" in section(shown, "Warnings")


def test_characters_whose_engine_cannot_run(
    check: Check, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = folder / "presets"
    own.mkdir()
    for path in (ROOT / "presets").glob("*"):
        (own / path.name).symlink_to(path)
    small_valle.write_voice(own)
    monkeypatch.setenv("YAMABIKO_PRESETS__PATH", "presets")
    status, shown = check()
    assert status == 0
    assert "valle, the voice of small, cannot run" in section(shown, "Warnings")


@pytest.mark.parametrize(
    ("name", "device", "words"),
    [
        ("VALLE", "cuda", "valle.device is cuda, and there is no NVIDIA driver here."),
        ("VOCODER", "cuda:0,cuda:1", "vocoder.device is cuda:1, and there is no NVIDIA driver"),
        ("VOCODER", "tpu", "vocoder.device is tpu, and that is no device."),
        ("REVOICE", "cuda", "revoice.device is cuda, and there is no NVIDIA driver here."),
    ],
)
def test_a_device_that_is_chosen_must_be_there(
    check: Check, monkeypatch: pytest.MonkeyPatch, name: str, device: str, words: str
) -> None:
    no_driver(monkeypatch)
    monkeypatch.setenv(f"YAMABIKO_{name}__DEVICE", device)
    status, shown = check()
    assert status == 1 and words in section(shown, "Problems")
    assert "CUDA: no, there is no NVIDIA driver here" in section(shown, "Devices")


def run_with_driver(folder: Path, **driver: Any) -> str:
    """Run the command in a process of its own, which finds a driver of NVIDIA."""
    library = folder / "driver"
    library.mkdir()
    build_driver(library, **driver)
    done = subprocess.run(
        [sys.executable, str(ROOT / "server.py"), "check"],
        cwd=folder,
        env={**os.environ, "LD_LIBRARY_PATH": str(library)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_gpus_are_found_without_torch(folder: Path) -> None:
    shown = run_with_driver(folder, gpus=2, free=1 << 30, shared=1)
    devices = section(shown, "Devices")
    assert "NVIDIA driver: 580.65.06, up to CUDA 13.0" in devices
    assert "GPU 0: NVIDIA Bell 0, 1.1 GB of 17.2 GB free" in devices
    assert devices.count("GPU 1: NVIDIA Bell 1\n") == 1
    if cuda_driver.torch_cuda() is not None:
        assert "CUDA: yes" in devices
        assert "Only 1.1 GB of the memory of GPU 0 are free." in section(shown, "Warnings")


@pytest.mark.slow
def test_a_driver_that_is_too_old_for_torch(folder: Path) -> None:
    shown = run_with_driver(folder, cuda=11_080)
    expected = "the driver runs CUDA 11.8 at most"
    if cuda_driver.torch_cuda() is None:
        expected = "this torch was built without CUDA"
    assert f"CUDA: no, {expected}" in section(shown, "Devices")


def test_too_little_memory_or_disk(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("realtime.models.devices.free_bytes", lambda: 300_000_000)
    monkeypatch.setenv("YAMABIKO_CACHE__MAX_BYTES", str(1 << 60))
    monkeypatch.setattr("realtime.cli.check_problems.LEAST_DISK", 1 << 60)
    status, shown = check()
    warnings = section(shown, "Warnings")
    assert status == 0, "either may be enough"
    assert "Only 0.3 GB of memory are free; hibari, kokoro take about" in warnings
    assert "set cache.max_bytes to less" in warnings
    assert "memory: 0.3 GB of" in section(shown, "Devices")


def test_only_settings_that_differ_are_shown_with_their_source(check: Check, folder: Path) -> None:
    (folder / "yamabiko.yaml").write_text("limits: {text: 100}\n")
    shown = check("--log-level", "DEBUG")[1]
    differing = section(shown, SECTIONS[-1])
    assert "limits.text = 100  (yamabiko.yaml)" in differing
    assert "log.level = DEBUG  (--log-level)" in differing
    assert "port = 0  (YAMABIKO_PORT)" in differing
    assert "limits.long_text" not in differing
    shown = check("--settings")[1].partition("\nSettings\n")[2]
    for setting in all_settings():
        assert f"  {setting.name} = " in shown


def test_json_has_everything_under_the_documented_names(
    check: Check, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpu = NvidiaGpu("NVIDIA Bell", 16 << 30, 8 << 30)
    driver = NvidiaDriver("580.65.06", "13.0", (gpu,))
    monkeypatch.setattr("realtime.models.devices.read_driver", lambda: driver)
    monkeypatch.setenv("YAMABIKO_PRELOAD", "bell")
    (folder / "models/vallex-checkpoint.pt").write_bytes(b"PK")
    status, shown = check("--json")
    found = json.loads(shown)
    assert (status, found["ok"]) == (1, False)
    assert found["problems"][0]["stops"] and not found["problems"][-1]["stops"]
    engines = {each["name"]: each for each in found["engines"]}
    assert engines["hibari"]["can_run"] and not engines["torchscript"]["can_run"]
    assert {each["name"] for each in found["settings"]} == {each.name for each in all_settings()}
    page = (ROOT / "docs/check.md").read_text(encoding="utf-8")
    table = page.partition("## The names of --json")[2]
    documented = re.findall(r"^\| `([\w.\[\]]+)` \|", table, re.MULTILINE)
    assert names_in(found) - {"engines[].obstacles", "engines[].files"} == set(documented)


def test_every_problem_is_documented() -> None:
    page = (ROOT / "docs/check.md").read_text(encoding="utf-8")
    code = (ROOT / "realtime/cli/check_problems.py").read_text(encoding="utf-8")
    codes = re.findall(r'Problem\(\s*"(\w+)"', code)
    assert codes and not [each for each in codes if f"`{each}`" not in page]


def names_in(value: Any, prefix: str = "") -> set[str]:
    """List the dotted names of a JSON value; values of free names count as one."""
    if isinstance(value, dict) and prefix not in ("characters.languages", "characters.broken"):
        if not re.fullmatch(r"settings\[\]\.(value|default)", prefix):
            dot = f"{prefix}." if prefix else ""
            return set().union(*(names_in(each, dot + name) for name, each in value.items()))
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return set().union(*(names_in(each, f"{prefix}[]") for each in value))
    return {prefix}


def test_settings_that_cannot_be_read_are_the_only_problem(
    check: Check, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("YAMABIKO_PORT", "many")
    status, shown = check("--json")
    found = json.loads(shown)
    assert (status, found["ok"], len(found["problems"])) == (1, False, 1)
    assert "0 to 65535" in found["problems"][0]["message"]
    assert server.main(["check"]) == 1
    assert "yamabiko: port is 'many'" in capsys.readouterr().err
