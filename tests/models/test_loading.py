"""A load is tried once more where that may help, and leaves nothing behind where it fails."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from realtime.engines.tone import Tone
from realtime.errors import BadRequest, Unavailable
from realtime.models.lanes import Lane
from realtime.models.loading import load_engine
from realtime.settings import ModelsSettings, Settings

pytestmark = pytest.mark.anyio
SETTINGS = Settings(models=ModelsSettings(retry_seconds=0.0))


class Failing(Tone):
    """An engine that fails with each of the errors in turn, and keeps half of a load."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.loads = 0
        self.held = False

    def load(self) -> None:
        self.loads += 1
        self.held = True
        if self.errors:
            raise self.errors.pop(0)

    def unload(self) -> None:
        self.held = False


@pytest.fixture
async def lane() -> AsyncIterator[Lane]:
    lane = Lane("test")
    yield lane
    lane.close()


async def test_an_error_that_may_pass_is_tried_once_more(lane: Lane) -> None:
    engine = Failing(RuntimeError("flaky"))
    await load_engine("tone", engine, lane, SETTINGS)
    assert (engine.loads, engine.held) == (2, True)


async def test_the_second_error_is_told_and_nothing_is_held(lane: Lane) -> None:
    engine = Failing(RuntimeError("flaky"), RuntimeError("gone"))
    with pytest.raises(Unavailable, match="'tone' could not be loaded: gone"):
        await load_engine("tone", engine, lane, SETTINGS)
    assert (engine.loads, engine.held) == (2, False)


@pytest.mark.parametrize("error", [Unavailable("no file"), BadRequest("a bad file")])
async def test_what_no_second_try_can_mend_is_not_tried(lane: Lane, error: Exception) -> None:
    engine = Failing(error)
    with pytest.raises(type(error)):
        await load_engine("tone", engine, lane, SETTINGS)
    assert (engine.loads, engine.held) == (1, False)


async def test_an_engine_that_cannot_be_freed_hides_no_error(
    lane: Lane, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    engine = Failing(BadRequest("a bad file"))
    monkeypatch.setattr(engine, "unload", lambda: 1 / 0)
    with pytest.raises(BadRequest, match="a bad file"):
        await load_engine("tone", engine, lane, SETTINGS)
    assert "could not be freed" in caplog.text
