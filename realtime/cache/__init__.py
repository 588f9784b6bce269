"""Recordings: what was once spoken is spoken no more, and is heard while it is still being made."""

from __future__ import annotations

from realtime.cache.address import SIDECAR, WAV, Address, folder_of, key_of, parsed, slug_of
from realtime.cache.cache import Cache
from realtime.cache.disk import Store
from realtime.cache.growing import Growing
from realtime.cache.index import Shelf
from realtime.cache.recording import Finished, Recording, Spoken
from realtime.cache.sidecar import FileFacts, Sidecar
from realtime.cache.work import Opened, Work

__all__ = [
    "SIDECAR",
    "WAV",
    "Address",
    "Cache",
    "FileFacts",
    "Finished",
    "Growing",
    "Opened",
    "Recording",
    "Shelf",
    "Sidecar",
    "Spoken",
    "Store",
    "Work",
    "folder_of",
    "key_of",
    "parsed",
    "slug_of",
]
