"""Engines that speak by asking a server elsewhere; docs/remote.md says how they are set up."""
