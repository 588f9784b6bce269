"""Access: keys, signed requests and URLs, tickets, cookies, and limits for each key.

`guard` puts the parts together from the settings. Clocks and random texts come from `Clock`, which
tests replace.
"""

from realtime.access.canonical import canonical_query, string_to_sign
from realtime.access.clock import Clock
from realtime.access.guard import Guard
from realtime.access.keys import Keys
from realtime.access.signed_requests import Credentials, SignedRequest
from realtime.access.signed_urls import SignedUrls

__all__ = [
    "Clock",
    "Credentials",
    "Guard",
    "Keys",
    "SignedRequest",
    "SignedUrls",
    "canonical_query",
    "string_to_sign",
]
