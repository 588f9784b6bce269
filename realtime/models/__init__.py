"""Loaded models: lanes, leases, states, memory."""
