"""The answer to a change that was made."""

from __future__ import annotations

from typing import TypedDict


class Message(TypedDict):
    """A message for people."""

    message: str


SUCCESS: Message = {"message": "success"}
