"""The installation into .venv that `make serve` and `make test` run; standard library alone."""
