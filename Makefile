# holopose: each target sets itself up. Needs Python 3.11 or newer, git and make; the rest goes into .venv.
#
#   make demo    find everybody in two real pictures; results in out/demo
#   make test    fetch the models and run the tests
#   make lint    ruff and mypy
#   make bench   measure this machine
#   make clean   remove everything made here (downloaded models stay in the cache folder: holopose models list)
#
# Another Python: make demo PYTHON=python3.13

NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.14 python; do \
	$$p -c '$(NEW_ENOUGH)' 2>/dev/null && { echo $$p; break; }; done)
FOUND = $(or $(PYTHON),python3)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt

.PHONY: demo test lint bench clean
.DELETE_ON_ERROR:

demo: $(VENV)/.core
	$(BIN)/holopose demo --out out/demo

test: $(VENV)/.dev
	$(BIN)/holopose models pull --all
	$(BIN)/python -m pytest

lint: $(VENV)/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

bench: $(VENV)/.core
	$(BIN)/holopose bench

clean:
	rm -rf $(VENV) out dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.python:
	@"$(FOUND)" -c '$(NEW_ENOUGH)' 2>/dev/null || { \
		echo "holopose needs Python 3.11 or newer, found: $$("$(FOUND)" --version 2>&1 | head -n 1)." \
		"Install one, or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3.12" >&2; exit 1; }
	"$(FOUND)" -m venv $(VENV)
	touch $@

# The build backend is installed first, at its pinned version, and used without isolation: one pinned set for everything.
$(VENV)/.core: $(VENV)/.python pyproject.toml constraints.txt
	$(PIP) hatchling editables
	$(PIP) --no-build-isolation --editable .
	touch $@

$(VENV)/.dev: $(VENV)/.core
	$(PIP) --no-build-isolation --editable ".[dev]"
	touch $@
