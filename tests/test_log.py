"""Tests of the log: for people or machines, with the audit, and its last warnings in memory."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from realtime import log
from realtime.log import MOST_TROUBLE_LENGTH, MOST_TROUBLES, Troubles
from realtime.settings import LogSettings

logger = logging.getLogger("realtime.tests")


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


def test_warnings_are_remembered_newest_first() -> None:
    troubles = Troubles()
    with troubles.watching():
        logger.info("all is well")
        logger.warning("%d recordings lost", 2)
        logger.error("the disk is full")
    logger.error("nobody watches")
    last = troubles.last()
    assert [each.message for each in last] == ["the disk is full", "2 recordings lost"]
    assert [each.level for each in last] == ["ERROR", "WARNING"]
    assert last[0].time_ms >= last[1].time_ms > 0


def test_remembered_warnings_are_bounded() -> None:
    troubles = Troubles()
    with troubles.watching():
        for number in range(MOST_TROUBLES + 5):
            logger.warning("%d %s", number, "x" * MOST_TROUBLE_LENGTH)
    last = troubles.last()
    assert len(last) == MOST_TROUBLES and last[-1].message.startswith("5 ")
    assert {len(each.message) for each in last} == {MOST_TROUBLE_LENGTH}


def test_arguments_that_do_not_fit_are_no_second_fault() -> None:
    troubles = Troubles()
    troubles.emit(logging.LogRecord("x", logging.WARNING, "", 0, "%d lost", ("many",), None))
    assert troubles.last()[0].message == "%d lost"
