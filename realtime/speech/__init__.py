"""The way of a line, from a request to its sound."""
