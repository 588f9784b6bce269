"""Vocoders: from mel frames to sound, whole or in windows."""
