"""Benchmarks, one file for each question of speed or quality; `--json` writes the figures."""
