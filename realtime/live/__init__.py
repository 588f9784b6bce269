"""The live protocol: its messages, the session of a client, and the way out to it."""
