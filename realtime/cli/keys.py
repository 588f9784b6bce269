"""The commands `key` and `sign`: keys in their file, and requests signed for curl."""

from __future__ import annotations

import argparse
import hashlib
import json
import shlex
import sys
from pathlib import Path
from urllib.parse import SplitResult, quote, urlencode, urlsplit

from realtime.access import Credentials, Keys, SignedRequest
from realtime.access import keys as store
from realtime.access.canonical import SIGNATURE_FIELDS, query_parts
from realtime.access.client import sign as sign_request
from realtime.access.client import signature_headers, signature_query
from realtime.access.roles import ROLES, Role
from realtime.access.signed_requests import METHOD, USE
from realtime.errors import BadRequest, SettingsError
from realtime.settings import Settings

PLAIN = "%/:@!$&'()*+,;=?"  # left unquoted in an address, with letters, digits and -._~ (RFC 3986)
SOCKETS = {"ws": "http", "wss": "https"}


def add_key(parser: argparse.ArgumentParser, common: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, title="actions")
    new = actions.add_parser("new", parents=[common], help="make a key, or a key's next secret")
    new.add_argument("id", metavar="ID", help=store.ID_FORM)
    new.add_argument("--role", choices=ROLES, help="what it may do (an operator everything)")
    actions.add_parser("ls", parents=[common], help="list the keys, their secrets and roles")
    role = actions.add_parser("role", parents=[common], help="give a key another role")
    role.add_argument("id", metavar="ID")
    role.add_argument("role", metavar="ROLE", choices=ROLES, help=" or ".join(ROLES))
    remove = actions.add_parser("rm", parents=[common], help="forget a key")
    remove.add_argument("id", metavar="ID")
    remove.add_argument("--old", action="store_true", help="all of its secrets but the newest")


def add_sign(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("method", metavar="METHOD", type=str.upper)
    parser.add_argument("url", metavar="URL")
    body = parser.add_mutually_exclusive_group()
    body.add_argument("--data", metavar="TEXT", help="the body")
    body.add_argument("--data-file", type=Path, metavar="FILE", help="a file that is the body")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--key", metavar="ID:SECRET", help="sign with this one")
    which.add_argument("--key-id", metavar="ID", help="sign with this one of the configured keys")
    parser.add_argument("--query", action="store_true", help="print a signed address instead")


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


def sign(options: argparse.Namespace, settings: Settings) -> int:
    """Print a curl command for one request, or with --query a signed address."""
    if not METHOD.fullmatch(options.method):
        raise BadRequest("This is no HTTP method.", hint="For example: GET, POST, DELETE")
    target = _parse_address(options.url)
    body = _read_body(options)
    request = SignedRequest(
        options.method,
        target.path.encode(),
        target.query.encode(),
        hashlib.sha256(body).hexdigest(),
    )
    keys, key_id = _choose_key(options, settings)
    credentials = sign_request(request, key_id, keys.signer(key_id, USE))
    if options.query:
        joined = "&".join(filter(None, (target.query, urlencode(signature_query(credentials)))))
        print(target._replace(query=joined).geturl())
    elif target.scheme in SOCKETS:
        raise BadRequest(
            "curl is not used for sockets.", hint="--query prints an address for a socket's client."
        )
    else:
        print(shlex.join(_curl(options, target, body, credentials)))
    _print_hint(f"Good for one request, for about {settings.auth.shift_seconds:g} s from now.")
    return 0


def _make_key(path: Path, key_id: str, role: Role | None) -> int:
    print(store.add_secret(path, key_id, role))
    has = store.load_keys(path).role(key_id)
    _print_hint(f"Written to {path}, as {has}. It is shown this once; keep it like a password.")
    _print_hint(
        "Clients sign with it (docs/signing.md), or send it: Authorization: Bearer ID:SECRET"
    )
    if (count := store.load_keys(path).count(key_id)) > 1:
        _print_hint(
            f"{key_id} has {_secrets(count)} now, and all of them pass. When its clients have the "
            f"new one: python server.py key rm {key_id} --old"
        )
    _print_hint("A running server knows it after a restart.")
    return 0


def _remove_key(path: Path, key_id: str, only_old: bool) -> int:
    removed = store.remove_secrets(path, key_id, only_old)
    print(f"{_secrets(removed)} of {key_id} removed")
    _print_hint("A running server forgets them at its restart.")
    return 0


def _set_role(path: Path, key_id: str, role: Role) -> int:
    store.set_role(path, key_id, role)
    print(f"{key_id} is {role}")
    _print_hint("A running server knows it after a restart.")
    return 0


def _secrets(count: int) -> str:
    return f"{count} secret{'' if count == 1 else 's'}"


def _print_hint(text: str) -> None:
    print(text, file=sys.stderr)


def _parse_address(url: str) -> SplitResult:
    """Parse an address and quote it as it is sent, so that this is what is signed."""
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https", *SOCKETS) and parts.hostname is not None
    except ValueError:
        valid = False
    if not valid:
        raise BadRequest(
            "This is no address of a server.", hint="For example: http://127.0.0.1:8000/lines"
        )
    target = parts._replace(path=_quote(parts.path) or "/", query=_quote(parts.query), fragment="")
    if any(name in SIGNATURE_FIELDS for name, _ in query_parts(target.query.encode())):
        raise BadRequest("The address is signed already, or has kid, t, n or sig in its query.")
    return target


def _quote(part: str) -> str:
    return quote(part, safe=PLAIN, errors="surrogateescape")


def _read_body(options: argparse.Namespace) -> bytes:
    if options.data_file is not None:
        try:
            content: bytes = options.data_file.read_bytes()
        except OSError as error:
            raise BadRequest(f"{options.data_file} cannot be read: {error.strerror}.") from error
        return content
    try:
        return (options.data or "").encode()
    except UnicodeEncodeError as error:
        raise BadRequest("The body is not UTF-8.", hint="Give it with --data-file.") from error


def _choose_key(options: argparse.Namespace, settings: Settings) -> tuple[Keys, str]:
    """Return the keys to sign with, and the id of the one that signs."""
    if options.key is not None:
        key_id, _, secret = options.key.partition(":")
        if not store.ID.fullmatch(key_id) or not store.SECRET.fullmatch(secret):
            raise BadRequest("The key is not of the form id:secret.")
        return Keys({key_id: [secret]}), key_id
    keys = store.load_keys(settings.auth.keys_path, settings.keys)
    if not keys:
        raise SettingsError("There are no keys.", hint="Make one: python server.py key new bot")
    if options.key_id is None and len(keys.ids) > 1:
        raise BadRequest("There are several keys.", hint=f"--key-id: {', '.join(keys.ids)}")
    key_id = options.key_id or keys.ids[0]
    if key_id not in keys:
        raise BadRequest("There is no key of this id.", hint=f"There are: {', '.join(keys.ids)}")
    return keys, key_id


def _curl(
    options: argparse.Namespace, target: SplitResult, body: bytes, credentials: Credentials
) -> list[str]:
    """Build the curl command of a signed request."""
    # --path-as-is: curl would take dots out of the path that is signed.
    method = {"GET": [], "HEAD": ["--head"]}.get(options.method, ["--request", options.method])
    command = ["curl", "--path-as-is", "--globoff", *method, target.geturl()]
    for name, value in signature_headers(credentials).items():
        command += ["--header", f"{name}: {value}"]
    if options.data_file is not None:
        command += ["--header", _content_type(body), "--data-binary", f"@{options.data_file}"]
    elif options.data is not None:
        command += ["--header", _content_type(body), "--data-raw", options.data]
    return command


def _content_type(body: bytes) -> str:
    """Return the header for JSON, or for one JSON object a line."""
    try:
        json.loads(body)
    except ValueError:
        return "Content-Type: application/x-ndjson"
    return "Content-Type: application/json"
