"""The live protocol: messages, sessions, saying, listening, sending; no socket."""
