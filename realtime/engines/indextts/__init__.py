"""IndexTTS-2.5, in a process and an environment of its own."""
