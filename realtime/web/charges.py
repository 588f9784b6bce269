"""What a request costs the key that makes it: characters before, seconds of sound after."""

from __future__ import annotations

from starlette.types import Scope

from realtime.cache import Recording
from realtime.services import Services
from realtime.web.requests.caller import caller_of


async def charge(scope: Scope, characters: int) -> None:
    """Refused when the key has none left this minute."""
    if key_id := caller_of(scope).key_id:
        await _services(scope).quotas.line(key_id, characters)


def watch(scope: Scope, result: str, source: object) -> None:
    """What is made for this request is counted when it is known; what was there costs nothing."""
    key_id = caller_of(scope).key_id
    if key_id and result == "miss" and isinstance(source, Recording):
        _services(scope).quotas.watch(key_id, source)


async def check_sound(scope: Scope) -> None:
    """Refused when no more sound may be made for the key this minute."""
    if key_id := caller_of(scope).key_id:
        await _services(scope).quotas.check_sound(key_id)


async def made(scope: Scope, seconds: float) -> None:
    """Sound that was made for this request alone."""
    if key_id := caller_of(scope).key_id:
        await _services(scope).quotas.sound(key_id, seconds)


def _services(scope: Scope) -> Services:
    services: Services = scope["app"].state.services
    return services
