"""Answers: sound, recordings, ranges, events, errors, links."""
