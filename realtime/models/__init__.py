"""Loaded models: their lanes, leases, states and memory."""
