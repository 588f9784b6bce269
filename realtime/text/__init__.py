"""The text front end: from what was written to the sounds that say it, in three languages."""
