"""Keys: an id with its secrets, from the oldest to the newest, and the file that holds them."""

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
NO_SECRET = "0" * 43  # compared where there is no such key, so that both take as long
ID_FORM = "1 to 64 letters, digits, - and _"


class Keys:
    """The keys of a server."""

    def __init__(self, secrets_of: Mapping[str, Sequence[str]]) -> None:
        self._secrets = {key_id: tuple(listed) for key_id, listed in secrets_of.items()}
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


def load_keys(path: Path | None, listed: Iterable[str] = ()) -> Keys:
    """Read the keys of a file, then those that are listed as `id:secret`, which are newer."""
    secrets_of = _read(path) if path is not None else {}
    for number, whole in enumerate(listed, 1):
        key_id, _, secret = whole.partition(":")
        _check(key_id, secret, f"Key {number} of the setting keys")
        secrets_of.setdefault(key_id, []).append(secret)
    return Keys(secrets_of)


def others_may_read(path: Path) -> bool:
    """Return whether other users of this machine may read a file."""
    return path.exists() and bool(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))


def add_secret(path: Path, key_id: str) -> str:
    """Write a new secret as the newest of its id; return `id:secret`, which is shown once."""
    if not ID.fullmatch(key_id):
        raise SettingsError(f"This cannot be a key's id: {ID_FORM} are allowed.")
    secret = secrets.token_urlsafe(SECRET_BYTES)
    with _locked(path):
        secrets_of = _read(path)
        secrets_of.setdefault(key_id, []).append(secret)
        _write(path, secrets_of)
    return f"{key_id}:{secret}"


def remove_secrets(path: Path, key_id: str, only_old: bool = False) -> int:
    """Remove a key, or all of its secrets but the newest; return how many secrets went."""
    with _locked(path):
        secrets_of = _read(path)
        if key_id not in secrets_of:
            there_are = ", ".join(secrets_of) or "none"
            raise SettingsError(f"{path} has no key of this id; there are: {there_are}.")
        all_secrets = secrets_of.pop(key_id)
        kept = all_secrets[-1:] if only_old else []
        if kept:
            secrets_of[key_id] = kept
        _write(path, secrets_of)
    return len(all_secrets) - len(kept)


# Messages about a file name places and quote no values: a value may be a secret, and messages go
# into logs.


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
    secrets_of = {}
    for number, (key_id, value) in enumerate(content.items(), 1):
        listed = value if isinstance(value, list) else [value]
        for secret in listed or [None]:  # an empty list is refused like a wrong secret
            _check(key_id, secret, f"Key {number} in {path}")
        secrets_of[key_id] = listed
    return secrets_of


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


def _write(path: Path, content: Mapping[str, Sequence[str]]) -> None:
    """Write the file in one step; no other user may read it at any moment."""
    import yaml

    text = yaml.safe_dump({key_id: list(listed) for key_id, listed in content.items()})
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
