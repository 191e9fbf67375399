# The front door. `make` lists what it can do; everything it makes goes into .venv.

PYTHON ?= python3
READY := .venv/.ready
# Tests at a time: many of them wait for a serial port, not for a processor.
WORKERS ?= 4
PIP := .venv/bin/python -m pip -qq --disable-pip-version-check

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo demo-board test soak check format clean interpreter

help:
	@echo "make TARGET, where TARGET is one of"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' Makefile

demo: interpreter ## recorded readings become alert mail through each of the three options, with no hardware
	@.venv/bin/mailmote demo

demo-board: interpreter ## a bare virtual board is flashed by esptool, provisioned, and its alert mail delivered
	@.venv/bin/mailmote demo --board

test: interpreter ## run all tests
	@.venv/bin/pytest -q -n $(WORKERS) --dist worksteal

soak: interpreter ## run the tests that take minutes: power cuts and network cuts by the ten thousand
	@.venv/bin/pytest -q -n $(WORKERS) --dist worksteal -m soak

check: $(READY) ## lint, and check the types of the host tools and of the firmware
	@.venv/bin/ruff check --quiet .
	@.venv/bin/ruff format --quiet --check . || { echo "make: run 'make format'" >&2; exit 1; }
	@.venv/bin/basedpyright
	@.venv/bin/basedpyright --project firmware

format: $(READY) ## put imports in order and lay out the code
	@.venv/bin/ruff check --quiet --select I --fix .
	@.venv/bin/ruff format --quiet .

clean: ## remove all that make made
	@rm -rf .venv build .pytest_cache .ruff_cache *.egg-info
	@find . -name __pycache__ -prune -exec rm -rf {} +

# MicroPython: the one that $$MICROPYTHON names, the one on the PATH, or a private copy in .venv.
interpreter: $(READY)
	@.venv/bin/python -m mailmote_host.virtual.interpreter >/dev/null

# Last of all the stamp: an interrupted or failed installation starts again.
$(READY): requirements.txt requirements-stubs.txt pyproject.toml
	@command -v "$(PYTHON)" >/dev/null || { \
		echo "make: there is no $(PYTHON): install Python 3.11 or newer, or name one: make PYTHON=/path/to/python3" >&2; \
		exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "make: $(PYTHON) is too old: install Python 3.11 or newer, or name one: make PYTHON=/path/to/python3" >&2; \
		exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "make: $(PYTHON) has no venv: on Debian and Ubuntu, install the package python3-venv" >&2; \
		exit 1; }
	@.venv/bin/python -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "making .venv"; \
		"$(PYTHON)" -m venv --clear .venv; }
	@echo "installing the pinned packages into .venv (100 MB, once)"
	@$(PIP) install --requirement requirements.txt || { \
		echo "make: pip could not install the packages: see that the package index can be reached, then try again" >&2; \
		exit 1; }
	@$(PIP) install --upgrade --target .venv/micropython-stubs --no-deps --requirement requirements-stubs.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $(READY)
