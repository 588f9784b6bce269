"""The core of Yamabiko: text or a microphone in, a character's voice out."""

VERSION = "0.1.0"
