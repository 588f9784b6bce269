"""Adapters: one module for each engine that a host can run."""
