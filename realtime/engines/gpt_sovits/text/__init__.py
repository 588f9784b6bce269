"""GPT-SoVITS's text front end: from a text to sentences, and from a sentence to phones."""
