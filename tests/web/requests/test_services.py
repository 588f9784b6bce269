"""A handler finds the services and the account of its caller."""

from __future__ import annotations

from starlette.requests import HTTPConnection

from realtime.access.quotas import Account, KeyAccount
from realtime.settings import Settings
from realtime.web.app import create_app
from realtime.web.requests.caller import SCOPE, Caller
from realtime.web.requests.services import account_of, services_of
from tests.support.server import scripted_services


def test_a_caller_with_a_key_pays_and_one_without_does_not(settings: Settings) -> None:
    services = scripted_services(settings)
    scope = {"type": "http", "app": create_app(services)}
    assert services_of(HTTPConnection(scope)) is services
    assert type(account_of(HTTPConnection(scope))) is Account
    keyed = HTTPConnection({**scope, SCOPE: Caller("bot", "signature")})
    assert isinstance(account_of(keyed), KeyAccount)
    assert account_of(keyed) is account_of(keyed)
