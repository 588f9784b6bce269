"""Tests of the README: its tree, its settings and its commands are the real ones."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from realtime import settings
from realtime.cli.commands import parse_arguments

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def part(name: str) -> str:
    return README.partition(f"<!-- {name} -->")[2].partition(f"<!-- /{name} -->")[0].strip()


def tracked() -> set[str]:
    """List the tracked files of the top level and directly in the core."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\n")
    found = set()
    for name in filter(None, listed):
        first, _, rest = name.partition("/")
        if rest:
            found.add(first + "/")
        elif name.endswith(".py"):
            found.add(name)
        if first == "realtime" and not rest.startswith("__"):
            inner, _, deeper = rest.partition("/")
            found.add(f"realtime/{inner}/" if deeper else f"realtime/{inner}")
    return found - {".ci/"}


def shown() -> set[str]:
    found = set()
    for line in part("tree").splitlines():
        if match := re.match(r"( *)(\S+) {2,}\S", line):
            found.add(("realtime/" if match[1] else "") + match[2])
    return found


def table() -> str:
    rows = ["| setting | default | what it is |", "|---|---|---|"]
    for setting in settings.all_settings():
        default = setting.default
        if isinstance(default, tuple):
            default = ", ".join(default) or "(none)"
        elif hasattr(default, "items"):
            default = ", ".join(f"{name}: {value}" for name, value in default.items())
        rows.append(f"| `{setting.name}` `{setting.variable}` | {default} | {setting.help} |")
    return "\n".join(rows)


def test_the_tree_is_the_tree() -> None:
    assert shown() == tracked()


def test_the_settings_are_the_settings() -> None:
    assert part("settings") == table()


def test_the_commands_are_commands() -> None:
    for line in re.findall(r"python server\.py ([^#\n`]*)", README):
        arguments = re.findall(r'"[^"]*"|\S+', line)
        if arguments != ["--help"]:
            parse_arguments([argument.strip('"') for argument in arguments])


def test_the_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"(?:^|`)make (\w+)", README, re.MULTILINE)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
