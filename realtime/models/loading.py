"""The loading of an engine on its lane, tried once more where it fails."""

from __future__ import annotations

import asyncio
import logging

from realtime.engines.contract import Engine, PreparesFiles
from realtime.engines.obstacles import require_engine_block
from realtime.errors import BadRequest, Unavailable
from realtime.models.lanes import Lane
from realtime.models.load_memory import give_memory_back
from realtime.models.preparation import prepare_files
from realtime.settings import Settings

logger = logging.getLogger(__name__)

TRY_AGAIN_SECONDS = 10.0  # for which a failed load is remembered, before a request may try again


async def load_engine(name: str, engine: Engine, lane: Lane, settings: Settings) -> None:
    """Load an engine, once more after a pause; a load that fails leaves nothing in memory."""
    if isinstance(engine, PreparesFiles) and await asyncio.to_thread(engine.can_prepare):
        await prepare_files(name, settings)
    require_engine_block(engine, settings)
    try:
        await lane.call(engine.load)
    except (Unavailable, BadRequest):
        await _free_half_loaded(name, engine, lane)
        raise  # the engine says why, and trying again brings no file and no device
    except Exception:
        logger.exception("loading %s failed, trying once more", name)
        await _free_half_loaded(name, engine, lane)
        await asyncio.sleep(settings.models.retry_seconds)
        await _load_again(name, engine, lane)


async def _load_again(name: str, engine: Engine, lane: Lane) -> None:
    try:
        await lane.call(engine.load)
    except Exception as error:
        logger.exception("loading %s failed again", name)
        await _free_half_loaded(name, engine, lane)
        raise Unavailable(
            f"The engine {name!r} could not be loaded: {error}",
            hint="The server's log says more; other engines keep working.",
            retry_after=TRY_AGAIN_SECONDS,
        ) from error


async def _free_half_loaded(name: str, engine: Engine, lane: Lane) -> None:
    """Free what a load that failed left in memory."""
    try:
        await lane.call(engine.unload)
    except Exception:
        logger.exception("what was loaded of %s could not be freed", name)
    await asyncio.to_thread(give_memory_back)
