"""Who may: keys, signed requests, signed addresses, tickets and cookies; it knows no web.

A folder, being many nouns: clock, stamps, canonical, nonces and signer stand alone; keys, tokens,
addresses and requests use them; guard holds all. Clocks and chance come from outside.
"""

from realtime.access.canonical import canonical_query, string_to_sign
from realtime.access.clock import Clock
from realtime.access.guard import Guard
from realtime.access.keys import Keys
from realtime.access.signed_requests import Credentials, SignedRequest
from realtime.access.signed_urls import SignedAddresses

__all__ = [
    "SignedRequest",
    "Clock",
    "Credentials",
    "Guard",
    "Keys",
    "SignedAddresses",
    "canonical_query",
    "string_to_sign",
]
