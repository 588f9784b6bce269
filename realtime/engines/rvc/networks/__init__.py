"""The networks of RVC, by the names that its files give."""
