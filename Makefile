# One line a target; `make help` lists them. The environment lives in $(VENV) and is made on first use.

VENV ?= .venv
HOST ?= 127.0.0.1
PORT ?= 8501
JOBS ?= 2
BIN := $(VENV)/bin

# The first interpreter of at least 3.11; name another with `make PYTHON=/path/to/python`.
NEW_ENOUGH := -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))'
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.14 python; do \
	if $$p $(NEW_ENOUGH) >/dev/null 2>&1; then echo $$p; break; fi; done)

.DEFAULT_GOAL := help
.PHONY: help install dev app test test-fast test-long unit lint type fix docs-check bench bench-install clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(VENV)/.installed ## make the environment that the app and the library need

dev: $(VENV)/.installed-dev ## the same, with the tests and the linters

# Who alone can reach the app may name models of the Hugging Face Hub in it; with another HOST nobody may.
LOOPBACK := $(filter 127.0.0.1 localhost ::1,$(HOST))

app: $(VENV)/.installed ## install, then serve the app on http://127.0.0.1:8501 (PORT=..., HOST=...)
	$(if $(LOOPBACK),FOCUS_LAB_ALLOW_HUB="$${FOCUS_LAB_ALLOW_HUB:-1}" )$(BIN)/python -m streamlit run app.py --server.address $(HOST) --server.port $(PORT)

test: lint type unit ## everything a change has to pass: linters, types, all tests

# A browser that shares its cores with other tests may draw a button anew in the moment of a click; a test that waited in
# vain for the answer is tried once more, and said to have been. Any other failure stands.
unit: $(VENV)/.installed-dev ## all tests, without linters and types
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal --reruns 1 --only-rerun "Timeout [0-9]+ms exceeded"

test-fast: $(VENV)/.installed-dev ## the tests that need neither real data nor a browser
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal -m "not data and not browser and not gpu and not long"

test-long: $(VENV)/.installed-dev ## every class of transformers that predicts tokens, and what takes long in dark colours: some minutes
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal -m long

lint: $(VENV)/.installed-dev ## ruff: rules and format; import-linter: who imports whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	PYTHONPATH=. $(BIN)/lint-imports --no-cache

type: $(VENV)/.installed-dev ## mypy, strict, on focus_core, focus_ui and pages
	$(BIN)/mypy

fix: $(VENV)/.installed-dev ## let ruff repair what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs-check: $(VENV)/.installed-dev ## the README's example, links, docstrings and examples of the docstrings
	$(BIN)/python -m pytest -n $(JOBS) tests/docs focus_core

bench-install: $(VENV)/.installed-bench ## the environment of the benchmarks: the same, with the reference implementation

bench: $(VENV)/.installed-bench ## run every benchmark and write docs/benchmarks.md (FOCUS_LAB_DATA names the real data)
	$(BIN)/python -m benchmarks

clean: ## remove caches and build products, keep the environment and your runs
	rm -rf build .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; name one: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) $(NEW_ENOUGH) || { echo "$(PYTHON) is older than 3.11 or lacks venv; name another: make PYTHON=..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# The project itself, in place: it puts the command `focus-lab` beside the interpreter.
COMMAND = $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .

# A stamp is written when pip is done, so that a second call does nothing and an interrupted one starts again.
$(VENV)/.installed: requirements.txt pyproject.toml | $(BIN)/python
	@echo "installing the packages of requirements.txt: some minutes the first time"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(COMMAND)
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt requirements.txt pyproject.toml | $(BIN)/python
	@echo "installing the packages of requirements-dev.txt: some minutes the first time"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	$(COMMAND)
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-bench: requirements-bench.txt requirements-dev.txt requirements.txt pyproject.toml | $(BIN)/python
	@echo "installing the packages of requirements-bench.txt: some minutes the first time"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-bench.txt
	$(COMMAND)
	@touch $@ $(VENV)/.installed $(VENV)/.installed-dev
