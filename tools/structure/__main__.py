"""The structure of the code in figures: sizes, import cycles, floors, and the ways of two requests.

A room is a folder of `realtime/`; the files that lie directly in `realtime/` are told beside them.
The exit status is 1 where there is an import cycle or a function of more than 50 lines.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tools.structure import imports, javascript, ways

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("realtime", "tests", "benchmarks", "tools")
LONGEST_FUNCTION = 50  # lines


def main(arguments: list[str]) -> int:
    """Print the figures of the working tree."""
    parser = argparse.ArgumentParser(prog="python -m tools.structure", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures here")
    parser.add_argument("--no-trace", action="store_true", help="leave out the two requests")
    asked = parser.parse_args(arguments)
    found = figures(trace=not asked.no_trace)
    print("\n".join(lines(found)))
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    over = found["functions"]["over"] + (found["javascript"]["over"] or [])
    return 1 if found["cycles"] or over else 0


def figures(trace: bool = True) -> dict[str, Any]:
    """Measure the working tree."""
    modules = imports.modules(ROOT)
    return {
        "folders": [sizes(folder, "*.py") for folder in FOLDERS] + [sizes("static", "*.js")],
        "functions": functions(dict(imports.function_lengths(modules))),
        "cycles": imports.cycles(imports.graph(modules)),
        "floors": [sorted(row) for row in imports.floors(imports.room_graph(modules))],
        "javascript": {"over": javascript.long_functions(ROOT)},
        "ways": ways.figures() if trace else {},
    }


def sizes(folder: str, pattern: str) -> dict[str, Any]:
    """Count the files of a folder and their lines."""
    counts = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in sorted((ROOT / folder).rglob(pattern))
    }
    largest = max(counts, key=lambda name: counts[name])
    return {
        "folder": folder,
        "files": len(counts),
        "lines": sum(counts.values()),
        "median": statistics.median(counts.values()),
        "largest": largest,
        "largest_lines": counts[largest],
    }


def functions(lengths: dict[str, int]) -> dict[str, Any]:
    """Sum up the lengths of the core's functions."""
    longest = max(lengths, key=lambda name: lengths[name])
    return {
        "count": len(lengths),
        "median": statistics.median(lengths.values()),
        "longest": longest,
        "longest_lines": lengths[longest],
        "over": sorted(name for name, length in lengths.items() if length > LONGEST_FUNCTION),
    }


def lines(found: dict[str, Any]) -> Iterator[str]:
    """Yield the report, line by line."""
    yield f"{'folder':12}{'files':>6}{'lines':>8}{'median':>8}  largest"
    for each in found["folders"]:
        yield (
            f"{each['folder']:12}{each['files']:>6}{each['lines']:>8}{each['median']:>8g}"
            f"  {each['largest']} ({each['largest_lines']})"
        )
    each = found["functions"]
    yield (
        f"\nFunctions of the core: {each['count']}, median {each['median']:g} lines, "
        f"longest {each['longest']} ({each['longest_lines']})"
    )
    yield f"Over {LONGEST_FUNCTION} lines in Python: {listed(each['over'])}"
    yield f"Over {LONGEST_FUNCTION} lines in JavaScript: {listed(found['javascript']['over'])}"
    yield f"Import cycles: {listed([' ↔ '.join(cycle) for cycle in found['cycles']])}"
    yield f"\nFloors: {len(found['floors'])}, from the top down"
    yield from (f"  {', '.join(row)}" for row in found["floors"])
    titles = {"line": "A line by HTTP", "block": "A block of the microphone"}
    for name, way in found["ways"].items():
        yield (
            f"\n{titles[name]}: {len(way['rooms'])} rooms, {way['files']} files, "
            f"{way['moves']} moves between rooms"
        )
        yield f"  rooms: {', '.join(way['rooms'])}"
        yield f"  files beside the rooms: {', '.join(way['files_beside'])}"


def listed(names: list[str] | None) -> str:
    """Write a list with its length; None was not measured."""
    if names is None:
        return "not measured: npm ci brings the linter"
    return f"{len(names)}" + (f": {', '.join(names)}" if names else "")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
