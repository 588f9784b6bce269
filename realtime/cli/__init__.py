"""The commands of `server.py`, one file each."""
