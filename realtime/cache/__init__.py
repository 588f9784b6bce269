"""Recordings: kept, shared by all who ask for the same, and heard while they still grow."""

from __future__ import annotations

from realtime.cache.address import SIDECAR, WAV, Address, folder_of, key_of, parse_path, slug_of
from realtime.cache.cache import Cache
from realtime.cache.disk import DiskStore
from realtime.cache.growing import GrowingRecording
from realtime.cache.index import Index
from realtime.cache.production import OpenedRecording, Production
from realtime.cache.recording import FinishedRecording, Recording
from realtime.cache.sidecar import FileFacts, Sidecar

__all__ = [
    "SIDECAR",
    "WAV",
    "Address",
    "Cache",
    "FileFacts",
    "FinishedRecording",
    "GrowingRecording",
    "OpenedRecording",
    "Recording",
    "Index",
    "Sidecar",
    "DiskStore",
    "Production",
    "folder_of",
    "key_of",
    "parse_path",
    "slug_of",
]
