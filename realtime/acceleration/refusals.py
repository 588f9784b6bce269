"""Refusals of a plan to run a network: for good, or for this moment."""

from __future__ import annotations


class CannotRun(Exception):
    """A plan cannot run this network, or a bucket of it, and says why."""


class NotNow(CannotRun):
    """A plan cannot run a call at this moment; the next may pass."""
