"""Networks of vocoders: plain torch modules whose weights have their published names."""
