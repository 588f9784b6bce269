"""Checks of every request before its route: hosts, authentication, body limit."""
