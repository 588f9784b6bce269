# make serve: install what is missing, then start the server.  make test: the same, then every check
# but the tests marked slow.  make test-slow: those, and the tests with examples with more of them.
# JOBS files of tests run side by side, of which each takes up to 4 GB and a core.
# EXTRAS=torch, revoice or denoise brings what some engines need; LIGHT=1 leaves torch out in any case.
PYTHON ?= python3
LIGHT ?=
EXTRAS ?=
ARGS ?=
JOBS ?= 2
# Where it is set, each of the many processes of a test run compiles all modules anew.
unexport PYTHONDONTWRITEBYTECODE
# Biome, from npm, checks the page's code. Without npm that is left out, but in CI it is required.
NPM := $(shell command -v npm 2> /dev/null)
PYTEST = .venv/bin/python -m pytest -n $(JOBS) --dist loadfile
PAGE_CHECK := $(if $(NPM)$(CI),check-page,skip-page)

.PHONY: serve test test-slow install-tests check-types run-tests check-page skip-page clean

serve:
	@LIGHT=$(LIGHT) $(PYTHON) -m tools.install $(EXTRAS)
	@exec .venv/bin/python server.py serve $(ARGS)

# make engine-NAME: the environment of an engine outside (docs/outside.md).
engine-%:
	@$(PYTHON) -m tools.engine $*

test: $(PAGE_CHECK) install-tests
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	@$(MAKE) --no-print-directory --jobs=2 check-types run-tests

# It takes one core for a minute, in which tests that wait leave one free.
check-types:
	.venv/bin/mypy

run-tests:
	$(PYTEST) $(ARGS)

test-slow: install-tests
	$(PYTEST) -m "slow or hypothesis" --hypothesis-profile=thorough $(ARGS)

install-tests:
	@LIGHT= $(PYTHON) -m tools.install torch revoice denoise tests

check-page: node_modules/.package-lock.json
	node_modules/.bin/biome check --error-on-warnings

skip-page:
	@echo "There is no npm, so the page's code is not checked."

# npm writes this file at the end of an installation: it is older than what is to be installed when that changes.
node_modules/.package-lock.json: package-lock.json
	npm ci --no-audit --no-fund
	@touch $@

clean:
	rm -rf node_modules .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
