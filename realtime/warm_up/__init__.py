"""Engines that are made ready before anybody asks: those of the preload, and of the warm-up."""
