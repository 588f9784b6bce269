"""One question of speed or quality a file; each prints a table and, with --json, writes JSON."""
