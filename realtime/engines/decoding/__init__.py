"""Codes made step by step, for several lines at once, on one model."""
