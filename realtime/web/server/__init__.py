"""The server process: uvicorn, its limits, the shortcut for recordings in memory."""
