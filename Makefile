# Everything a person or a machine does with this repository. `make` alone lists it.
PYTHON ?= python3
BIN := .venv/bin
# Three at once on two processors: a third of the time a test waits for a server, a worker or the disk.
JOBS ?= 3
# Extra words for pytest, for example: make test-fast TESTS="tests/unit -k digest"
TESTS ?=
# A file's tests stay together: what they share, a server or the demo, is made once. In order: the long ones come first.
PYTEST := $(BIN)/python -m pytest $(TESTS) -n $(JOBS) --dist loadfile --no-loadscope-reorder

# Images of containers often set it. Here hundreds of processes start, and each would compile what it imports again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup system-packages demo test test-fast check format bench clean

help:  ## list what make can do
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: .venv/.ready  ## make .venv with the locked packages (needs python3 >= 3.11, pip and the network)
	@:

.venv/.ready: uv.lock pyproject.toml scripts/setup
	@PYTHON="$(PYTHON)" scripts/setup
	@touch $@

system-packages:  ## install what the tests need beyond Python: PostgreSQL and bubblewrap
	@scripts/system-packages

demo: setup  ## run the main job on real flights: train in dev, promote, deploy in prod, trace back
	@$(BIN)/python examples/flights/run.py

test: check system-packages  ## everything: the checks, then the whole test run
	$(PYTEST) --durations 10

test-fast: setup  ## the tests that take seconds: no slow ones, no servers, no PostgreSQL, no killed processes, fewer examples
	REGISTA_FAST=1 $(PYTEST) -m "not slow and not crash and not postgres" --ignore tests/integration --ignore tests/sdk

check: setup  ## format, lint, types, import rules, README help blocks, tables
	$(BIN)/python -m ruff format --check --quiet
	$(BIN)/python -m ruff check --quiet
	$(BIN)/python -m mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m scripts.check_readme
	$(BIN)/python -m scripts.azureml_table

format: setup  ## rewrite what `make check` would complain about, where that is safe
	$(BIN)/python -m ruff format
	$(BIN)/python -m ruff check --fix
	$(BIN)/python -m scripts.check_readme --update

bench: setup  ## measure Regista against its peers, side by side
	@$(BIN)/python -m benchmarks $(ROOMS)

clean:  ## remove caches and build results; `rm -rf .venv` starts over entirely
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -not -path './.venv/*' -prune -exec rm -rf {} +
