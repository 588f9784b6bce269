"""Roles of keys: a listener hears and speaks, an operator also changes the server for others."""

from __future__ import annotations

from typing import Final, Literal, TypeGuard

Role = Literal["listener", "operator"]
LISTENER: Final = "listener"
OPERATOR: Final = "operator"
ROLES: tuple[Role, ...] = (LISTENER, OPERATOR)


def is_role(value: object) -> TypeGuard[Role]:
    return value in ROLES


def allows(role: Role, needed: Role) -> bool:
    """Return whether a role may do what another one may: an operator may do everything."""
    return role == OPERATOR or needed == LISTENER
