"""The last warnings are remembered, so many and so long, while somebody watches."""

from __future__ import annotations

import logging

from realtime.troubles import MOST, MOST_LENGTH, Troubles

logger = logging.getLogger("realtime.tests")


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


def test_they_are_bounded() -> None:
    troubles = Troubles()
    with troubles.watching():
        for number in range(MOST + 5):
            logger.warning("%d %s", number, "x" * MOST_LENGTH)
    last = troubles.last()
    assert len(last) == MOST and last[-1].message.startswith("5 ")
    assert {len(each.message) for each in last} == {MOST_LENGTH}


def test_arguments_that_do_not_fit_are_no_second_fault() -> None:
    troubles = Troubles()
    troubles.emit(logging.LogRecord("x", logging.WARNING, "", 0, "%d lost", ("many",), None))
    assert troubles.last()[0].message == "%d lost"
