"""The command `key`: keys in their file, with what each may do."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from realtime.access import keys as store
from realtime.access.roles import ROLES, Role
from realtime.cli.options import add_settings_options, settings_of
from realtime.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, title="actions")
    new = actions.add_parser("new", help="make a key, or a key's next secret")
    new.add_argument("id", metavar="ID", help=store.ID_FORM)
    new.add_argument("--role", choices=ROLES, help="what it may do (an operator everything)")
    listing = actions.add_parser("ls", help="list the keys, their secrets and roles")
    role = actions.add_parser("role", help="give a key another role")
    role.add_argument("id", metavar="ID")
    role.add_argument("role", metavar="ROLE", choices=ROLES, help=" or ".join(ROLES))
    remove = actions.add_parser("rm", help="forget a key")
    remove.add_argument("id", metavar="ID")
    remove.add_argument("--old", action="store_true", help="all of its secrets but the newest")
    add_settings_options(new, listing, role, remove)


def run(options: argparse.Namespace) -> int:
    return key(options, settings_of(options))


def key(options: argparse.Namespace, settings: Settings) -> int:
    """Make, list, change or forget keys; a secret is shown once, when it is made."""
    path = settings.auth.keys_path
    if options.action == "new":
        return _make_key(path, options.id, options.role)
    if options.action == "role":
        return _set_role(path, options.id, options.role)
    if options.action == "rm":
        return _remove_key(path, options.id, options.old)
    places = {str(path): store.load_keys(path), "keys": store.load_keys(None, settings.keys)}
    for where, keys in places.items():
        for key_id in keys.ids:
            print(f"{key_id}  {_secrets(keys.count(key_id))}  {keys.role(key_id)}  {where}")
    return 0


def _make_key(path: Path, key_id: str, role: Role | None) -> int:
    print(store.add_secret(path, key_id, role))
    has = store.load_keys(path).role(key_id)
    print_hint(f"Written to {path}, as {has}. It is shown this once; keep it like a password.")
    print_hint(
        "Clients sign with it (docs/signing.md), or send it: Authorization: Bearer ID:SECRET"
    )
    if (count := store.load_keys(path).count(key_id)) > 1:
        print_hint(
            f"{key_id} has {_secrets(count)} now, and all of them pass. When its clients have the "
            f"new one: python server.py key rm {key_id} --old"
        )
    print_hint("A running server knows it after a restart.")
    return 0


def _remove_key(path: Path, key_id: str, only_old: bool) -> int:
    removed = store.remove_secrets(path, key_id, only_old)
    print(f"{_secrets(removed)} of {key_id} removed")
    print_hint("A running server forgets them at its restart.")
    return 0


def _set_role(path: Path, key_id: str, role: Role) -> int:
    store.set_role(path, key_id, role)
    print(f"{key_id} is {role}")
    print_hint("A running server knows it after a restart.")
    return 0


def _secrets(count: int) -> str:
    return f"{count} secret{'' if count == 1 else 's'}"


def print_hint(text: str) -> None:
    """Say something beside the output, which may go into a file or another program."""
    print(text, file=sys.stderr)
