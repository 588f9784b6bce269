"""The command `sign`: a request signed for curl, or a signed address."""

from __future__ import annotations

import argparse
import hashlib
import json
import shlex
from pathlib import Path
from urllib.parse import SplitResult, quote, urlencode, urlsplit

from realtime.access import Credentials, Keys, SignedRequest
from realtime.access import keys as store
from realtime.access.canonical import SIGNATURE_FIELDS, query_parts
from realtime.access.client import sign as sign_request
from realtime.access.client import signature_headers, signature_query
from realtime.access.signed_requests import METHOD, USE
from realtime.cli.keys import print_hint
from realtime.cli.options import add_settings_options, settings_of
from realtime.errors import BadRequest, SettingsError
from realtime.settings import Settings

PLAIN = "%/:@!$&'()*+,;=?"  # left unquoted in an address, with letters, digits and -._~ (RFC 3986)
SOCKETS = {"ws": "http", "wss": "https"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_settings_options(parser)
    parser.add_argument("method", metavar="METHOD", type=str.upper)
    parser.add_argument("url", metavar="URL")
    body = parser.add_mutually_exclusive_group()
    body.add_argument("--data", metavar="TEXT", help="the body")
    body.add_argument("--data-file", type=Path, metavar="FILE", help="a file that is the body")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--key", metavar="ID:SECRET", help="sign with this one")
    which.add_argument("--key-id", metavar="ID", help="sign with this one of the configured keys")
    parser.add_argument("--query", action="store_true", help="print a signed address instead")


def run(options: argparse.Namespace) -> int:
    return sign(options, settings_of(options))


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
    print_hint(f"Good for one request, for about {settings.auth.shift_seconds:g} s from now.")
    return 0


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
