"""State of GPT-SoVITS' API: what clients chose, and figures of their requests."""

from __future__ import annotations

from dataclasses import dataclass, field

from starlette.requests import Request

from realtime.web.compat.gpt_sovits.chosen import ChosenVoice
from realtime.web.compat.gpt_sovits.performance_stats import PerformanceStats


@dataclass
class GptSovitsState:
    """The state of the API in one application; it is lost with the server."""

    stats: PerformanceStats = field(default_factory=PerformanceStats)
    chosen: ChosenVoice = field(default_factory=ChosenVoice)
    styles: dict[str, str] = field(default_factory=dict)  # of characters whose clip was chosen


def state_of(request: Request) -> GptSovitsState:
    """Return the state of the application that a request came to."""
    state: GptSovitsState = request.app.state.gpt_sovits
    return state
