"""A finished file from the disk, checked against its sidecar."""

from __future__ import annotations

import hashlib
import logging

from realtime.cache.address import SIDECAR, WAV, Address
from realtime.cache.disk import DiskStore
from realtime.cache.recording import FinishedRecording
from realtime.cache.sidecar import FileFacts, Sidecar

logger = logging.getLogger(__name__)

MOST_HELD_BYTES = 2 << 20  # of a file that is read whole, checked and held in memory


def read_checked(store: DiskStore, address: Address, suffix: str) -> FinishedRecording | None:
    """Read a file and return it when it is what its sidecar says; None when it is not.

    Of files over MOST_HELD_BYTES only the size is checked, and they are read when they are sent.
    """
    sidecar = store.sidecar(address)
    if sidecar is None:
        return None
    if suffix == SIDECAR:
        return _sidecar_itself(store, address, sidecar)
    facts = sidecar.facts(suffix)
    if facts is None:
        return None
    try:
        body = _read_body(store, address, suffix, facts)
    except (OSError, ValueError) as error:
        logger.error("%s is not what its sidecar says: %s", address.path(suffix), error)
        return None
    return FinishedRecording(address, suffix, sidecar, facts.bytes, facts.sha256[:32], body, store)


def _read_body(store: DiskStore, address: Address, suffix: str, facts: FileFacts) -> bytes | None:
    """Return the file's bytes, or None when it is too large to be held in memory."""
    with store.open(address, suffix) as file:
        size = file.seek(0, 2)
        if size != facts.bytes:
            raise ValueError(f"it has {size} bytes instead of {facts.bytes}")
        if size > MOST_HELD_BYTES:
            return None
        file.seek(0)
        body = file.read()
    if hashlib.sha256(body).hexdigest() != facts.sha256:
        raise ValueError("its digest is another")
    return body


def _sidecar_itself(
    store: DiskStore, address: Address, sidecar: Sidecar
) -> FinishedRecording | None:
    if store.size(address, WAV) != sidecar.wav_bytes:
        return None
    body = sidecar.serialised()
    digest = hashlib.sha256(body).hexdigest()[:32]
    return FinishedRecording(address, SIDECAR, sidecar, len(body), digest, body, store)
