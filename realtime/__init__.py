"""The core of Yamabiko: text becomes a character's voice, whoever asks and however it travels."""
