"""Engines: the registry, the contract, and one file or folder for each.

It imports nothing, so that `outside` can be imported in an environment without our libraries.
"""
