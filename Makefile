# `make demo` and `make test` are all a newcomer needs; both install what they use into .venv.
PYTHON ?= python3
BIN := .venv/bin
TORCH := torch==2.13.0
OVERRIDES ?=
# Two processes, each pinned to one thread; a test goes to whichever is free.
PYTEST := $(BIN)/python -m pytest -n 2 --dist worksteal

.PHONY: help demo test test-all test-full check perf system-deps clean

help:
	@echo "make demo         install, run the demo study, print its verdict (a few minutes)"
	@echo "make test         the tests (no root, no network beyond the package registry)"
	@echo "make test-all     also the heavier ones; make system-deps first"
	@echo "make test-full    also those that take longer than continuous integration allows"
	@echo "make check        formatting, lint and types"
	@echo "make perf         speed beside benchopt, Hydra, joblib, scikit-learn and a plain script; PERF=quick: a glance"
	@echo "make system-deps  what test-all needs from the system (Debian, root)"
	@echo "make clean        remove what was built"

.venv/installed: pyproject.toml constraints.txt hatch_build.py
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(TORCH)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[test]"
	touch $@

# Ray is large, a browser's driver too, and of use to few: only what starts them installs them.
.venv/engines: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[browser,ray]"
	touch $@

demo: .venv/installed
	$(BIN)/swapbench run study=demo $(OVERRIDES)

test: .venv/installed
	$(PYTEST) -m "not all and not full"

test-all: .venv/engines
	$(PYTEST) -m "all and not full"

test-full: .venv/engines
	$(PYTEST)

check: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy benchmark components tests hatch_build.py

# The rivals, to be measured beside.
.venv/rivals: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[perf]"
	touch $@

perf: .venv/rivals
	$(BIN)/python tests/perf/bench.py $(if $(filter quick,$(PERF)),--quick)

system-deps:
	apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium munge slurm-wlm

clean:
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path "./.venv/*" -prune -exec rm -rf {} +
