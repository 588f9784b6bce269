"""Refusals of a plan to run a network: for good, or for this moment."""

from __future__ import annotations


class CannotRun(Exception):
    """A plan cannot run this network, or one of its buckets; the message says why."""


class NotNow(CannotRun):
    """A plan cannot run a call at this moment; it may run the next one."""
