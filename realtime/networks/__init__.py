"""Torch modules that several engines share."""
