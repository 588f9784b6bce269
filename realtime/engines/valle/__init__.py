"""VALL-E X around its networks: whose voice, from which files, and how a voice is made."""
