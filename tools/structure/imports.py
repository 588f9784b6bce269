"""Modules of the core, read from their source: imports, cycles, floors, lengths of functions."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

Graph = dict[str, set[str]]

TOP = "realtime/"  # the room of the files that lie directly in realtime/


def modules(root: Path) -> dict[str, Path]:
    """Find the core's modules by their dotted names."""
    found = {"server": root / "server.py"}
    for path in sorted((root / "realtime").rglob("*.py")):
        name = ".".join(path.relative_to(root).with_suffix("").parts)
        found[name.removesuffix(".__init__")] = path
    return found


def imported(path: Path, known: Mapping[str, Path]) -> Iterator[str]:
    """Yield every module that a file imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in known else node.module


def graph(known: Mapping[str, Path]) -> Graph:
    """Map each module to the known modules that it imports."""
    return {
        name: {other for other in imported(path, known) if other in known and other != name}
        for name, path in known.items()
    }


def room(name: str, known: Mapping[str, Path]) -> str:
    """Return the room of a module: the folder of realtime/ that it lies in."""
    parts = name.split(".")
    if len(parts) == 1 and parts[0] != "realtime":
        return name
    package = known.get(".".join(parts[:2]))
    return parts[1] if package and package.name == "__init__.py" and parts[1:] else TOP


def own_room(name: str, known: Mapping[str, Path]) -> str:
    """Return the room of a module, where a file in realtime/ is a room of its own."""
    found = room(name, known)
    return name.partition(".")[2] or name if found == TOP else found


def room_graph(known: Mapping[str, Path]) -> Graph:
    """Map each room, of those that `own_room` gives, to the rooms that it imports."""

    def own(name: str) -> str:
        return own_room(name, known)

    found: Graph = {own(name): set() for name in known}
    for name, others in graph(known).items():
        found[own(name)] |= {own(other) for other in others} - {own(name)}
    return found


def cycles(links: Graph) -> list[list[str]]:
    """Find the groups of modules that import each other in a circle (Tarjan's algorithm)."""
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        number[name] = lowest[name] = len(number)
        stack.append(name)
        for other in sorted(links.get(name, ())):
            if other not in number:
                visit(other)
                lowest[name] = min(lowest[name], lowest[other])
            elif other in stack:
                lowest[name] = min(lowest[name], number[other])
        if lowest[name] == number[name]:
            group = stack[stack.index(name) :]
            del stack[-len(group) :]
            if len(group) > 1:
                found.append(sorted(group))

    for name in sorted(links):
        if name not in number:
            visit(name)
    return found


def floors(links: Graph) -> list[set[str]]:
    """Stack the rooms from the top down: each lies above all that it imports."""
    depth: dict[str, int] = {}

    def height(name: str) -> int:
        if name not in depth:
            depth[name] = 0  # ends a circle, which `cycles` reports
            depth[name] = 1 + max((height(other) for other in links[name]), default=-1)
        return depth[name]

    rows: dict[int, set[str]] = {}
    for name in links:
        rows.setdefault(height(name), set()).add(name)
    return [rows[level] for level in sorted(rows, reverse=True)]


def function_lengths(known: Mapping[str, Path]) -> Iterator[tuple[str, int]]:
    """Yield the name and the number of lines of every function and method."""
    for name, path in known.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{name}:{node.lineno} {node.name}", (node.end_lineno or 0) - node.lineno + 1
