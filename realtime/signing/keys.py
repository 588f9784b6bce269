"""Keys: an id and its secrets, from oldest to newest; where they are kept, and how one is made."""

from __future__ import annotations

import hmac
import os
import re
import secrets
import stat
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from realtime.errors import Refused, SettingsError
from realtime.signing.signer import Seal

ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
SECRET = re.compile(r"[A-Za-z0-9_-]{43}")
SECRET_BYTES = 32  # written as 43 base64url characters
NOBODY = "0" * 43  # compared with when there is no such key, so that both take as long


class Keys:
    """The keys that this server knows."""

    def __init__(self, secrets_of: Mapping[str, Sequence[str]]) -> None:
        self._secrets = {key_id: tuple(found) for key_id, found in secrets_of.items()}
        self._seals: dict[tuple[str, str], Seal] = {}

    def __bool__(self) -> bool:
        return bool(self._secrets)

    def __contains__(self, key_id: str) -> bool:
        return key_id in self._secrets

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(self._secrets)

    def seal(self, key_id: str, use: str) -> Seal:
        """What signs and verifies one use with a key's secrets."""
        if (key_id, use) not in self._seals:
            self._seals[key_id, use] = Seal(self._secrets[key_id], use)
        return self._seals[key_id, use]

    def id_of(self, whole: str) -> str:
        """The id of a key that is shown whole, `id:secret`; refused when it is none of ours."""
        key_id, colon, secret = whole.partition(":")
        if not colon or not ID.fullmatch(key_id) or not SECRET.fullmatch(secret):
            raise Refused(
                "The key is not of the form id:secret.",
                hint="It is the whole line that `python server.py key new` printed.",
            )
        known = self._secrets.get(key_id, (NOBODY,))
        # Every secret is compared, so that the time tells nothing.
        matches = [hmac.compare_digest(secret, each) for each in known]
        if key_id not in self._secrets:
            raise unknown_key(key_id)
        if not any(matches):
            raise Refused("The secret is not that of this key.", code="bad_signature")
        return key_id


def unknown_key(key_id: str) -> Refused:
    return Refused(f"There is no key {key_id[:64]!r}.", code="unknown_key")


def load(path: Path, listed: Iterable[str]) -> Keys:
    """The keys of a file, then those that are listed as `id:secret`, which are newer."""
    found = _read(path)
    for whole in listed:
        key_id, _, secret = whole.partition(":")
        _check(key_id, secret, "the setting keys")
        found.setdefault(key_id, []).append(secret)
    return Keys(found)


def others_may_read(path: Path) -> bool:
    return path.exists() and bool(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))


def add(path: Path, key_id: str) -> str:
    """A new secret, written as the newest of its id; returned whole, as it is shown once."""
    if not ID.fullmatch(key_id):
        raise SettingsError(
            f"The key's id is {key_id[:80]!r}; 1 to 64 letters, digits, - and _ are allowed."
        )
    found = _read(path)
    secret = secrets.token_urlsafe(SECRET_BYTES)
    found.setdefault(key_id, []).append(secret)
    _write(path, found)
    return f"{key_id}:{secret}"


def remove(path: Path, key_id: str, only_old: bool = False) -> int:
    """Forget a key, or all of its secrets but the newest; how many secrets went."""
    found = _read(path)
    if key_id not in found:
        there_are = ", ".join(found) or "none"
        raise SettingsError(f"{path} has no key {key_id[:80]!r}; there are: {there_are}.")
    kept = found[key_id][-1:] if only_old else []
    gone = len(found.pop(key_id)) - len(kept)
    _write(path, found | ({key_id: kept} if kept else {}))
    return gone


def _read(path: Path) -> dict[str, list[str]]:
    import yaml

    if not path.exists():
        return {}
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except OSError as error:
        raise SettingsError(f"The keys in {path} cannot be read: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        # Its message would quote the line, and the line may be a secret.
        raise SettingsError(f"{path} is not valid YAML.") from error
    if not isinstance(content, dict):
        raise SettingsError(f"{path} must hold ids, each with a list of secrets.")
    return {key_id: _checked(key_id, value, path) for key_id, value in content.items()}


def _checked(key_id: Any, value: Any, path: Path) -> list[str]:
    found = value if isinstance(value, list) else [value]
    if not found:
        raise SettingsError(f"{path} has no secret for the key {str(key_id)[:80]!r}.")
    for secret in found:
        _check(key_id, secret, str(path))
    return list(found)


def _check(key_id: Any, secret: Any, where: str) -> None:
    if not isinstance(key_id, str) or not ID.fullmatch(key_id):
        raise SettingsError(
            f"{where} has the key id {str(key_id)[:80]!r}; "
            "1 to 64 letters, digits, - and _ are allowed."
        )
    if not isinstance(secret, str) or not SECRET.fullmatch(secret):
        raise SettingsError(
            f"A secret of the key {key_id!r} in {where} is not 43 base64url characters.",
            hint=f"Make one with: python server.py key new {key_id}",
        )


def _write(path: Path, content: Mapping[str, Sequence[str]]) -> None:
    """In one step, and never readable by others, not even for a moment."""
    import yaml

    text = yaml.safe_dump({key_id: list(found) for key_id, found in content.items()})
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        number = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(number)
        part.replace(path)
    except OSError as error:
        raise SettingsError(f"The keys cannot be written to {path}: {error.strerror}.") from error
    finally:
        part.unlink(missing_ok=True)
