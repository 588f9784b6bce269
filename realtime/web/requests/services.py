"""The services and the caller's account, as a handler takes them from its request."""

from __future__ import annotations

from starlette.requests import HTTPConnection

from realtime.access.quotas import Account
from realtime.services import Services
from realtime.web.requests.caller import caller_of


def services_of(connection: HTTPConnection) -> Services:
    """Return the services of the application that a request or a socket came to."""
    services: Services = connection.app.state.services
    return services


def account_of(connection: HTTPConnection) -> Account:
    """Return the account that pays for a request or a socket."""
    return services_of(connection).quotas.account(caller_of(connection.scope).key_id)
