"""The networks of GPT-SoVITS, made of torch."""
