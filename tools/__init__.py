"""Tools for people who work on the project; the server uses none of them."""
