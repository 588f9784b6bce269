"""The role that a key needs for a request: one table of everything that is no mere reading."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.routing import compile_path

from realtime.access.roles import LISTENER, OPERATOR, Role

SAFE = ("GET", "HEAD", "OPTIONS")  # methods that change nothing (RFC 9110, section 9.2.1)

# A listener may do what costs the caller's own quota; what changes the server for others is an
# operator's. Reading needs no row: a listener may read everything. A GET that changes something has
# one.
NEEDED_ROLES: Mapping[tuple[str, str], Role] = {
    ("POST", "/v1/audio/speech"): LISTENER,
    ("POST", "/lines"): LISTENER,
    ("POST", "/prefetch"): LISTENER,
    ("DELETE", "/prefetch/{id}"): LISTENER,
    ("POST", "/generate"): LISTENER,
    ("POST", "/api/process"): LISTENER,
    ("POST", "/tts"): LISTENER,
    ("POST", "/tts_with_cached_voice"): LISTENER,
    ("POST", "/tts_with_voice"): LISTENER,
    ("POST", "/ticket"): LISTENER,
    ("GET", "/set_gpt_weights"): OPERATOR,  # by GET, since its clients ask so
    ("GET", "/set_sovits_weights"): OPERATOR,
    ("GET", "/set_refer_audio"): OPERATOR,
    ("POST", "/set_refer_audio"): OPERATOR,
    ("POST", "/upload_voice"): OPERATOR,
    ("POST", "/voice/{name}/set"): OPERATOR,
    ("DELETE", "/voice/{name}"): OPERATOR,
    ("POST", "/refresh_voice_cache"): OPERATOR,
    ("POST", "/reset_performance_stats"): OPERATOR,
    ("POST", "/toggle_optimization"): OPERATOR,
    ("POST", "/api/characters"): OPERATOR,
    ("POST", "/api/acceleration"): OPERATOR,
    ("POST", "/api/models/load"): OPERATOR,
    ("POST", "/api/models/unload"): OPERATOR,
    ("POST", "/api/models/unload-all"): OPERATOR,
    ("POST", "/api/models/{name}/load"): OPERATOR,
    ("POST", "/api/models/{name}/unload"): OPERATOR,
    ("POST", "/api/memory/optimize"): OPERATOR,
    ("PUT", "/api/memory/cleanup"): OPERATOR,
    ("PUT", "/api/tasks/{name}"): OPERATOR,
    ("DELETE", "/api/tasks/{name}"): OPERATOR,
    ("POST", "/api/tasks/{name}/preload"): OPERATOR,
    ("POST", "/api/tasks/{name}/cleanup"): OPERATOR,
}
_FOR_LISTENERS = [
    (method, compile_path(path)[0])
    for (method, path), role in NEEDED_ROLES.items()
    if role == LISTENER
]


def needed_role(method: str, path: str) -> Role:
    """Return the role that a request needs: for a change that has no row, the higher one."""
    if method in SAFE:
        return NEEDED_ROLES.get(("GET", path), LISTENER)
    reached = any(method == known and shape.match(path) for known, shape in _FOR_LISTENERS)
    return LISTENER if reached else OPERATOR
