"""An operator may do everything, a listener what needs no operator."""

from __future__ import annotations

import pytest

from realtime.access.roles import LISTENER, OPERATOR, Role, allows, is_role


@pytest.mark.parametrize(
    ("role", "needed", "allowed"),
    [
        (OPERATOR, OPERATOR, True),
        (OPERATOR, LISTENER, True),
        (LISTENER, LISTENER, True),
        (LISTENER, OPERATOR, False),
    ],
)
def test_an_operator_may_do_more(role: Role, needed: Role, allowed: bool) -> None:
    assert allows(role, needed) is allowed


@pytest.mark.parametrize("other", ["", "Operator", "admin", None, 1, ["listener"]])
def test_other_words_are_no_roles(other: object) -> None:
    assert not is_role(other) and is_role("listener")
