"""The structure of the code: the ways of two requests stay short, and the report is whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.structure import imports, ways
from tools.structure.__main__ import figures, lines

MOST_ROOMS = {"line": 10, "block": 6}


def test_a_line_and_a_block_pass_few_rooms() -> None:
    found = ways.figures()
    for name, most in MOST_ROOMS.items():
        assert 3 <= len(found[name]["rooms"]) <= most, found[name]["rooms"]
    assert {"web", "speech", "cache", "engines"} <= set(found["line"]["rooms"])
    assert {"web", "live", "conversion", "engines"} <= set(found["block"]["rooms"])


def test_a_circle_is_found() -> None:
    links = {"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}
    assert imports.cycles(links) == [["b", "c"]]


def test_floors_lie_below_what_imports_them() -> None:
    links = {"web": {"speech"}, "speech": {"audio"}, "audio": set(), "cli": {"audio"}}
    assert imports.floors(links) == [{"web"}, {"speech", "cli"}, {"audio"}]


@pytest.mark.parametrize(
    ("name", "room"),
    [
        ("realtime.web.routes.page", "web"),
        ("realtime.errors", imports.TOP),
        ("realtime", imports.TOP),
        ("server", "server"),
    ],
)
def test_the_room_of_a_module_is_its_folder(name: str, room: str) -> None:
    known = imports.modules(Path(__file__).resolve().parents[2])
    assert imports.room(name, known) == room


def test_the_report_names_what_is_over_its_bounds() -> None:
    found = figures(trace=False)
    assert "Import cycles: 0" in lines(found)
    found["cycles"] = [["a", "b"]]
    found["functions"]["over"] = ["realtime.x:1 long"]
    report = "\n".join(lines(found))
    assert "Import cycles: 1: a ↔ b" in report and "Over 50 lines in Python: 1" in report
