# make serve: install what is missing, then start the server.  make test: the same, then every check.
# JOBS files of tests run side by side, of which each takes up to 4 GB and a core.
# LIGHT=1 leaves out torch, which speaking does not need. EXTRAS=revoice brings the ears of `revoice`.
PYTHON ?= python3
LIGHT ?=
EXTRAS ?=
ARGS ?=
JOBS ?= 2
BLOCKS := core $(if $(LIGHT),,torch)

.PHONY: serve test clean

serve:
	@$(PYTHON) tools/install.py $(BLOCKS) $(EXTRAS)
	@exec .venv/bin/python server.py serve $(ARGS)

test:
	@$(PYTHON) tools/install.py $(BLOCKS) revoice tests
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/python -m pytest -n $(JOBS) --dist loadfile $(ARGS)

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
