"""Engines in a process of their own: the host there, and its proxy here.

`python -m realtime.engines.outside ADAPTER` runs one engine in another interpreter. The host's side
(`__main__`, `host`, `host_streams`, `adapter`, `protocol`, `isolation`) imports the standard
library, numpy and msgspec alone, and runs from Python 3.9 on. docs/outside.md says how to write an
adapter.
"""
