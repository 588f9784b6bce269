"""Keys: an id with its role and its secrets, from the oldest to the newest, and their file."""

from __future__ import annotations

import fcntl
import hmac
import os
import re
import secrets
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from realtime.access.roles import OPERATOR, ROLES, Role, is_role
from realtime.access.signatures import SaltedSigner
from realtime.errors import Refused, SettingsError

ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
SECRET = re.compile(r"[A-Za-z0-9_-]{43}")
SECRET_BYTES = 32  # written as 43 base64url characters
NO_SECRET = "0" * 43  # compared where there is no such key, so that both take as long
ID_FORM = "1 to 64 letters, digits, - and _"


class Keys:
    """The keys of a server."""

    def __init__(
        self, secrets_of: Mapping[str, Sequence[str]], roles: Mapping[str, Role] | None = None
    ) -> None:
        """Take the secrets of each key; a key whose role is not told is an operator."""
        self._secrets = {key_id: tuple(listed) for key_id, listed in secrets_of.items()}
        self._roles = dict(roles or {})
        self._signers: dict[tuple[str, str], SaltedSigner] = {}

    def __bool__(self) -> bool:
        return bool(self._secrets)

    def __contains__(self, key_id: str) -> bool:
        return key_id in self._secrets

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(self._secrets)

    def count(self, key_id: str) -> int:
        """Return the number of a key's secrets: more than one while clients change to a new one."""
        return len(self._secrets[key_id])

    def role(self, key_id: str) -> Role:
        return self._roles.get(key_id, OPERATOR)

    def signer(self, key_id: str, use: str) -> SaltedSigner:
        """Return the signer of one use with a key's secrets."""
        if (key_id, use) not in self._signers:
            self._signers[key_id, use] = SaltedSigner(self._secrets[key_id], use)
        return self._signers[key_id, use]

    def verify(self, whole: str) -> str:
        """Return the id of a key `id:secret`, or refuse a key that is not one of these."""
        key_id, colon, secret = whole.partition(":")
        if not colon or not ID.fullmatch(key_id) or not SECRET.fullmatch(secret):
            raise Refused(
                "The key is not of the form id:secret.",
                hint="It is the whole line that `python server.py key new` printed.",
            )
        known = self._secrets.get(key_id, (NO_SECRET,))
        # All secrets are compared, so that the time does not depend on which one matches.
        matches = [hmac.compare_digest(secret, each) for each in known]
        if key_id not in self._secrets:
            raise unknown_key(key_id)
        if not any(matches):
            raise Refused("The secret is not that of this key.", code="bad_signature")
        return key_id


def unknown_key(key_id: str) -> Refused:
    """Return the error for an id that is not known; a secret in its place is not quoted."""
    quoted = "of this id" if SECRET.fullmatch(key_id) else repr(key_id[:64])
    return Refused(
        f"There is no key {quoted}.",
        code="unknown_key",
        hint="The id is what stands before the colon of a key.",
    )


@dataclass
class _StoredKey:
    """A key as the file has it."""

    secrets: list[str]
    role: Role = OPERATOR

    def written(self) -> object:
        """Return it in the form of the file; a key of the default role is just its secrets."""
        if self.role == OPERATOR:
            return self.secrets
        return {"role": self.role, "secrets": self.secrets}


def load_keys(path: Path | None, listed: Iterable[str] = ()) -> Keys:
    """Read the keys of a file, then those that are listed as `id:secret`, which are newer.

    A listed key may end in its role, as `id:secret:listener`; else it has that of the file.
    """
    stored = _read(path) if path is not None else {}
    for number, whole in enumerate(listed, 1):
        key_id, _, rest = whole.partition(":")
        secret, colon, role = rest.partition(":")
        where = f"Key {number} of the setting keys"
        _check(key_id, secret, where)
        found = stored.setdefault(key_id, _StoredKey([]))
        found.secrets.append(secret)
        if colon:
            found.role = _checked_role(role, where)
    return Keys(
        {key_id: each.secrets for key_id, each in stored.items()},
        {key_id: each.role for key_id, each in stored.items()},
    )


def others_may_read(path: Path) -> bool:
    """Return whether other users of this machine may read a file."""
    return path.exists() and bool(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))


def add_secret(path: Path, key_id: str, role: Role | None = None) -> str:
    """Write a new secret as the newest of its id; return `id:secret`, which is shown once.

    Without a role a key keeps the one that it has; a new one becomes an operator.
    """
    if not ID.fullmatch(key_id):
        raise SettingsError(f"This cannot be a key's id: {ID_FORM} are allowed.")
    secret = secrets.token_urlsafe(SECRET_BYTES)
    with _locked(path):
        stored = _read(path)
        found = stored.setdefault(key_id, _StoredKey([]))
        found.secrets.append(secret)
        found.role = role or found.role
        _write(path, stored)
    return f"{key_id}:{secret}"


def remove_secrets(path: Path, key_id: str, only_old: bool = False) -> int:
    """Remove a key, or all of its secrets but the newest; return how many secrets went."""
    with _locked(path):
        stored = _read(path)
        found = _existing(stored, key_id, path)
        before = len(found.secrets)
        found.secrets = found.secrets[-1:] if only_old else []
        if not found.secrets:
            del stored[key_id]
        _write(path, stored)
    return before - len(found.secrets)


def set_role(path: Path, key_id: str, role: Role) -> None:
    with _locked(path):
        stored = _read(path)
        _existing(stored, key_id, path).role = role
        _write(path, stored)


def _existing(stored: Mapping[str, _StoredKey], key_id: str, path: Path) -> _StoredKey:
    if key_id not in stored:
        there_are = ", ".join(stored) or "none"
        raise SettingsError(f"{path} has no key of this id; there are: {there_are}.")
    return stored[key_id]


# Messages about a file name places and quote no values: a value may be a secret, and messages go
# into logs.


def _read(path: Path) -> dict[str, _StoredKey]:
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
    return {
        key_id: _stored_key(key_id, value, f"Key {number} in {path}")
        for number, (key_id, value) in enumerate(content.items(), 1)
    }


def _stored_key(key_id: Any, value: Any, where: str) -> _StoredKey:
    """Read a key: its secrets, or an object of `role` and `secrets`."""
    role: Role = OPERATOR
    if isinstance(value, dict):
        if value.keys() != {"role", "secrets"}:
            raise SettingsError(f"{where} must have role and secrets, or be a list of secrets.")
        role, value = _checked_role(value["role"], where), value["secrets"]
    listed = value if isinstance(value, list) else [value]
    for secret in listed or [None]:  # an empty list is refused like a wrong secret
        _check(key_id, secret, where)
    return _StoredKey(listed, role)


def _checked_role(value: object, where: str) -> Role:
    if not is_role(value):
        raise SettingsError(f"{where} has a wrong role: {' or '.join(ROLES)} is allowed.")
    return value


def _check(key_id: Any, secret: Any, where: str) -> None:
    hint = "Make one with: python server.py key new ID"
    if not isinstance(key_id, str) or not ID.fullmatch(key_id):
        raise SettingsError(f"{where} has a wrong id: {ID_FORM} are allowed.", hint=hint)
    if not isinstance(secret, str) or not SECRET.fullmatch(secret):
        raise SettingsError(f"{where} has a secret that is not 43 base64url characters.", hint=hint)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Lock the file's folder: of two writers at once, one would lose what the other wrote."""
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


def _write(path: Path, stored: Mapping[str, _StoredKey]) -> None:
    """Write the file in one step; no other user may read it at any moment."""
    import yaml

    text = yaml.safe_dump({key_id: found.written() for key_id, found in stored.items()})
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
