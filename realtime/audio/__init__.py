"""Sound as numbers: samples, formats, encoding, decoding."""
