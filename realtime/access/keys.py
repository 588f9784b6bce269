"""Keys: an id and its secrets, from oldest to newest; where they are kept, and how one is made."""

from __future__ import annotations

import fcntl
import hmac
import os
import re
import secrets
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from realtime.access.signatures import SaltedSigner
from realtime.errors import Refused, SettingsError

ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
SECRET = re.compile(r"[A-Za-z0-9_-]{43}")
SECRET_BYTES = 32  # written as 43 base64url characters
NOBODY = "0" * 43  # compared with when there is no such key, so that both take as long
ID_FORM = "1 to 64 letters, digits, - and _"


class Keys:
    """The keys that this server knows."""

    def __init__(self, secrets_of: Mapping[str, Sequence[str]]) -> None:
        self._secrets = {key_id: tuple(found) for key_id, found in secrets_of.items()}
        self._seals: dict[tuple[str, str], SaltedSigner] = {}

    def __bool__(self) -> bool:
        return bool(self._secrets)

    def __contains__(self, key_id: str) -> bool:
        return key_id in self._secrets

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(self._secrets)

    def count(self, key_id: str) -> int:
        """How many secrets a key has; more than one while it is being changed."""
        return len(self._secrets[key_id])

    def seal(self, key_id: str, use: str) -> SaltedSigner:
        """What signs and verifies one use with a key's secrets."""
        if (key_id, use) not in self._seals:
            self._seals[key_id, use] = SaltedSigner(self._secrets[key_id], use)
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
    """It quotes the id, unless somebody has put a secret where the id goes."""
    named = "of this id" if SECRET.fullmatch(key_id) else repr(key_id[:64])
    return Refused(
        f"There is no key {named}.",
        code="unknown_key",
        hint="The id is what stands before the colon of a key.",
    )


def load(path: Path | None, listed: Iterable[str] = ()) -> Keys:
    """The keys of a file, then those that are listed as `id:secret`, which are newer."""
    found = _read(path) if path is not None else {}
    for number, whole in enumerate(listed, 1):
        key_id, _, secret = whole.partition(":")
        _check(key_id, secret, f"Key {number} of the setting keys")
        found.setdefault(key_id, []).append(secret)
    return Keys(found)


def others_may_read(path: Path) -> bool:
    return path.exists() and bool(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))


def add(path: Path, key_id: str) -> str:
    """A new secret, written as the newest of its id; returned whole, as it is shown once."""
    if not ID.fullmatch(key_id):
        raise SettingsError(f"This cannot be a key's id: {ID_FORM} are allowed.")
    secret = secrets.token_urlsafe(SECRET_BYTES)
    with _alone(path):
        found = _read(path)
        found.setdefault(key_id, []).append(secret)
        _write(path, found)
    return f"{key_id}:{secret}"


def remove(path: Path, key_id: str, only_old: bool = False) -> int:
    """Forget a key, or all of its secrets but the newest; how many secrets went."""
    with _alone(path):
        found = _read(path)
        if key_id not in found:
            there_are = ", ".join(found) or "none"
            raise SettingsError(f"{path} has no key of this id; there are: {there_are}.")
        kept = found[key_id][-1:] if only_old else []
        gone = len(found.pop(key_id)) - len(kept)
        _write(path, found | ({key_id: kept} if kept else {}))
    return gone


# What is wrong with a file is told by places: a value out of place may be a secret, and a message
# goes into logs.


def _read(path: Path) -> dict[str, list[str]]:
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise SettingsError(f"The keys in {path} cannot be read: {error.strerror}.") from None
    except (yaml.YAMLError, ValueError):
        raise SettingsError(f"{path} is not valid YAML in UTF-8.") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise SettingsError(f"{path} must hold ids, each with a list of secrets.")
    found = {}
    for number, (key_id, value) in enumerate(content.items(), 1):
        found[key_id] = value if isinstance(value, list) else [value]
        for secret in found[key_id] or [None]:
            _check(key_id, secret, f"Key {number} in {path}")
    return found


def _check(key_id: Any, secret: Any, where: str) -> None:
    hint = "Make one with: python server.py key new ID"
    if not isinstance(key_id, str) or not ID.fullmatch(key_id):
        raise SettingsError(f"{where} has a wrong id: {ID_FORM} are allowed.", hint=hint)
    if not isinstance(secret, str) or not SECRET.fullmatch(secret):
        raise SettingsError(f"{where} has a secret that is not 43 base64url characters.", hint=hint)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """One writer at a time: two would each lose what the other wrote."""
    try:
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise _unwritable(path, error) from None
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
        os.fsync(folder)
    finally:
        os.close(folder)


def _write(path: Path, content: Mapping[str, Sequence[str]]) -> None:
    """In one step, and never readable by others, not even for a moment."""
    import yaml

    text = yaml.safe_dump({key_id: list(found) for key_id, found in content.items()})
    part = path.with_name(f"{path.name}.part")
    try:
        part.unlink(missing_ok=True)  # of a writer that was killed
        number = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(number)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise _unwritable(path, error) from None


def _unwritable(path: Path, error: OSError) -> SettingsError:
    return SettingsError(f"The keys cannot be written to {path}: {error.strerror}.")
