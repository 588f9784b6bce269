"""Who may: keys, signed requests, signed addresses, tickets and cookies; it knows no web.

A folder, being many nouns: clock, stamps, canonical, nonces and signer stand alone; keys, tokens,
addresses and requests use them; guard holds all. Clocks and chance come from outside.
"""

from realtime.signing.addresses import SignedAddresses
from realtime.signing.canonical import canonical_query, string_to_sign
from realtime.signing.clock import Clock
from realtime.signing.guard import Guard
from realtime.signing.keys import Keys
from realtime.signing.requests import Asked, Credentials

__all__ = [
    "Asked",
    "Clock",
    "Credentials",
    "Guard",
    "Keys",
    "SignedAddresses",
    "canonical_query",
    "string_to_sign",
]
