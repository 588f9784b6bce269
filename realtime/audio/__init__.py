"""Sound as numbers: samples, containers, encoding and decoding, trimming, a listener's position."""
