"""The registry of engines by name; listing them loads none.

A new engine is one file and one line here.
"""

from __future__ import annotations

import importlib
from collections.abc import Collection

from realtime.engines.contract import Engine
from realtime.errors import BadRequest, shortlist
from realtime.settings import Settings

ENGINES = {
    "hibari": "realtime.engines.hibari:Hibari",
    "kokoro": "realtime.engines.kokoro:Kokoro",
    "tone": "realtime.engines.tone:Tone",
    "gain": "realtime.engines.gain:Gain",
    "gpt_sovits": "realtime.engines.gpt_sovits.engine:GptSovits",
    "indextts": "realtime.engines.indextts.engine:IndexTts",
    "valle": "realtime.engines.valle.engine:ValleEngine",
    "world": "realtime.engines.world:World",
    "torchscript": "realtime.engines.torchscript:TorchScript",
    "ddsp_svc": "realtime.engines.ddsp_svc.engine:DdspSvc",
    "vocoder": "realtime.engines.vocoder:VocoderEngine",
    "rvc": "realtime.engines.rvc.engine:Rvc",
    "remote_openai": "realtime.engines.remote.openai:RemoteOpenai",
    "remote_gpt_sovits": "realtime.engines.remote.gpt_sovits:RemoteGptSovits",
    "remote_voicevox": "realtime.engines.remote.voicevox:RemoteVoicevox",
    "silero": "realtime.engines.silero:Silero",
    "gtcrn": "realtime.engines.gtcrn:Gtcrn",
    "deepfilternet": "realtime.engines.deep_filter:DeepFilter",
    "revoice": "realtime.engines.whisper:Whisper",
}


def create(name: str, settings: Settings) -> Engine:
    """Make an engine, which loads nothing yet; the settings may put it outside."""
    engine = create_inside(name, settings)
    if name not in settings.outside.engines:
        return engine
    from realtime.engines.outside.our_engine import put_outside

    return put_outside(engine, settings)


def create_inside(name: str, settings: Settings) -> Engine:
    """Make an engine that runs in this process."""
    if name not in ENGINES:
        raise unknown_engine(name, ENGINES)
    module, _, class_name = ENGINES[name].partition(":")
    engine: Engine = getattr(importlib.import_module(module), class_name)(settings)
    return engine


def unknown_engine(name: str, known: Collection[str]) -> BadRequest:
    """Give the error for a name that no engine has."""
    return BadRequest(
        f"There is no engine {name!r}. There are: {shortlist(known)}.",
        code="unknown_engine",
        field="engine",
    )
