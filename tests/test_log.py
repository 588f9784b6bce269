"""The log is for people or for machines, and the audit is in both."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from realtime import log
from realtime.settings import LogSettings


@pytest.fixture(autouse=True)
def root_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def test_people_read_lines(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(LogSettings())
    logging.getLogger("a").info("one %s", 1)
    log.audit("refused", reason="stale", key="bot")
    assert capsys.readouterr().err.splitlines() == [
        "I a: one 1",
        "I yamabiko.audit: refused reason=stale key=bot",
    ]


def test_machines_read_json(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(LogSettings(format="json"))
    log.audit("refused", reason="stale", key="bot")
    try:
        raise ValueError("broken")
    except ValueError:
        logging.getLogger("a").exception("it broke")
    first, second = map(json.loads, capsys.readouterr().err.splitlines())
    assert (first["event"], first["reason"], first["key"]) == ("refused", "stale", "bot")
    assert (first["level"], first["logger"]) == ("INFO", "yamabiko.audit")
    assert first["time"].endswith("+00:00")
    assert "ValueError: broken" in second["trace"]


def test_who_wants_less_gets_no_audit(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(LogSettings(level="WARNING"))
    log.audit("refused", reason="stale")
    assert not capsys.readouterr().err
