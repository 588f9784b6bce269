"""Every code of an error has its text on the page in three languages."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from realtime import errors

ROOT = Path(__file__).resolve().parent.parent
FILES = [ROOT / "server.py", *sorted((ROOT / "realtime").rglob("*.py"))]
TEXTS = ROOT / "static" / "words" / "errors"
# Codes that are made elsewhere and handed on: each is found where it is made.
HANDED_ON = {"self.code", "error.code", "refusal.code", "code"}
# Notices of a microphone have codes too, and texts of their own: a test of the page holds them.
NO_ERRORS = ("Notice", "LineNotice", "ConversionNotice", "RevoicingNotice")
OF_THE_PAGE = {"login", "no_sound"}  # errors that the page finds itself


def name_of(call: ast.Call) -> str:
    return str(getattr(call.func, "id", getattr(call.func, "attr", "")))


def constants(node: ast.expr) -> Iterator[str]:
    """Yield the texts that an expression may be; refuse one that nobody can tell."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.Constant(value=None):
            pass
        case ast.IfExp(body=body, orelse=orelse):
            yield from constants(body)
            yield from constants(orelse)
        case _:
            assert ast.unparse(node) in HANDED_ON, f"which code is {ast.unparse(node)}?"


def codes_in(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Call(keywords=keywords) if name_of(node) not in NO_ERRORS:
                for keyword in keywords:
                    if keyword.arg == "code":
                        yield from constants(keyword.value)
                if name_of(node) == "Refusal" and len(node.args) > 1:
                    yield from constants(node.args[1])
            case ast.Assign(targets=[ast.Name(id="default_code")], value=value):
                yield from constants(value)
            # Tables of codes: by status or by another code.
            case ast.Assign(
                targets=[ast.Name(id="texts" | "OPENAI_CODES")], value=ast.Dict() as table
            ):
                for value in table.values:
                    yield from constants(value.elts[0] if isinstance(value, ast.Tuple) else value)


def texts(language: str) -> set[str]:
    file = (TEXTS / f"{language}.js").read_text(encoding="utf-8")
    return set(re.findall(r'^  "error\.(\w+)":', file, re.MULTILINE))


ENGLISH = (TEXTS / "en.js").read_text(encoding="utf-8")


@functools.cache
def all_codes() -> set[str]:
    """Find all codes: in a test, since every run collects this file and few run it."""
    return {code for path in FILES for code in codes_in(path)}


def test_the_codes_are_found() -> None:
    assert len(all_codes()) > 80
    assert all_codes() >= {"bad_request", "voice_not_found", "method_not_allowed", "internal_error"}


@pytest.mark.parametrize("language", ["en", "zh", "ja"])
def test_every_code_has_its_text(language: str) -> None:
    assert texts(language) == all_codes() | OF_THE_PAGE


def values_given() -> Iterator[tuple[str, set[str]]]:
    """Yield the code of each error that is made, with the names of its values."""
    kinds = {kind.__name__: kind for kind in vars(errors).values() if isinstance(kind, type)}
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or name_of(node) not in kinds:
                continue
            given = {keyword.arg: keyword.value for keyword in node.keywords}
            default = getattr(kinds[name_of(node)], "default_code", None)
            code = given.get("code", ast.Constant(default))
            values = given.get("values", ast.Dict([], []))
            if isinstance(code, ast.Constant) and isinstance(values, ast.Dict):
                names = {key.value for key in values.keys if isinstance(key, ast.Constant)}
                yield str(code.value), {str(name) for name in names}


def test_every_place_of_a_text_gets_its_value() -> None:
    places = dict(re.findall(r'^  "error\.(\w+)":\s*"(.*)",$', ENGLISH, re.MULTILINE))
    for code, names in values_given():
        needed = set(re.findall(r"\{(\w+)\}", places[code])) - {"message", "hint"}
        assert needed <= names, f"an error {code} lacks {needed - names}"
