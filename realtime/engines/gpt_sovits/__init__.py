"""GPT-SoVITS: characters that people trained, v1 to v4, spoken by networks of our own."""
