"""Every code of an error is documented where HTTP can answer it, with the status of its class."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from realtime import errors
from realtime.web.answers.error_body import OPENAI_CODES
from realtime.web.answers.errors import STATUSES, status_of
from realtime.web.app import OPERATIONS
from realtime.web.openapi import error_codes
from realtime.web.openapi.document import all_errors
from realtime.web.openapi.error_codes import ErrorCode, codes

ROOT = Path(__file__).resolve().parents[3] / "realtime"
DOCUMENTED = {(e.kind, e.code) for operation in OPERATIONS for e in all_errors(operation)}

# What no answer to a request can have, and why.
ELSEWHERE = {
    # messages of the socket and their activities
    *("already_listening", "ended", "id_in_use", "not_live", "odd_sound", "too_many_utterances"),
    "unknown_type",
    # the command line, and settings at the start
    *("bad_settings", "file_error", "cannot_listen", "keys_missing", "port_taken"),
    # what formats and vocoders refuse after the request's own fields were checked
    *("unsupported_sample_rate", "bad_mel"),
    # codes of classes that are never raised without a code of their own
    *("forbidden", "taken"),
}
# Answered without an error of a class: routing, and the bots' one answer to all refusals.
ROUTING = {"method_not_allowed", "invalid_request"}


def raised() -> Iterator[tuple[str, str]]:
    """Yield every code that the code names, with the file that does."""
    for path in sorted(ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == "code":
                if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
                    yield node.value.value, str(path.relative_to(ROOT))
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "default_code":
                yield ast.literal_eval(node.value), str(path.relative_to(ROOT))


@pytest.fixture(scope="module")
def raised_codes() -> set[tuple[str, str]]:
    return set(raised())


def test_every_code_is_documented_or_never_answered(raised_codes: set[tuple[str, str]]) -> None:
    known = {code for _, code in DOCUMENTED} | ELSEWHERE | ROUTING
    assert not {(code, file) for code, file in raised_codes if code not in known}


def test_nothing_is_documented_that_is_never_raised(raised_codes: set[tuple[str, str]]) -> None:
    of_classes = {code for code, _ in raised_codes}
    known = of_classes | {"internal_error", "recording_growing"}
    documented = {code for _, code in DOCUMENTED}
    assert documented | set(OPENAI_CODES) <= known
    assert ELSEWHERE <= of_classes
    assert not ELSEWHERE & documented


def test_a_code_has_the_status_of_its_class() -> None:
    assert codes(errors.NotFound, "a", "b") == (
        ErrorCode(errors.NotFound, "a"),
        ErrorCode(errors.NotFound, "b"),
    )
    assert codes(errors.WeightsMissing) == (ErrorCode(errors.WeightsMissing, "weights_missing"),)
    assert status_of(errors.WeightsMissing) == STATUSES[errors.Unavailable] == 503


def test_every_group_is_used() -> None:
    groups = {
        name: group
        for name, group in vars(error_codes).items()
        if isinstance(group, tuple) and group and isinstance(group[0], ErrorCode)
    }
    used = {error for operation in OPERATIONS for error in all_errors(operation)}
    assert groups and all(set(group) <= used for group in groups.values())
