"""Listeners are counted while they are served, and refused where there are too many."""

from __future__ import annotations

import pytest

from realtime.cache.listeners import Listeners
from realtime.errors import Busy


def test_one_too_many_is_refused_until_one_leaves() -> None:
    listeners = Listeners(most=2)
    with listeners.counted():
        with listeners.counted():
            with pytest.raises(Busy, match="2 listeners") as refused:
                listeners.check_room()
            assert refused.value.code == "too_many_listeners"
        listeners.check_room()


def test_one_who_fails_has_left() -> None:
    listeners = Listeners(most=1)
    with pytest.raises(ZeroDivisionError), listeners.counted():
        raise ZeroDivisionError
    listeners.check_room()
