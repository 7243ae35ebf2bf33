# Two commands are enough: `make demo` and `make test`. Each does the set-up it needs.
SHELL := /bin/sh
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
export UV_PYTHON_DOWNLOADS := never
export PYTHONUNBUFFERED := 1
export PYTHONWARNINGS ?=

BIN := .venv/bin
PYTEST := $(BIN)/python -X dev -m pytest -n 2 --dist loadgroup -q
.PHONY: help setup demo test test-full check format clean lock docs messages letters bench bench-operation wheel dev tools guides-test

help: ## show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile
	@printf '\nStart with:  make demo\n'

setup: ## prepare .venv; the command is .venv/bin/openletter
	@scripts/setup run
	@printf 'Ready: .venv/bin/openletter --help\n' >&2

demo: ## a whole exercise campaign, then site and desk stay open (ONCE=1: ends; FRESH=1: anew)
	@scripts/setup run
	@$(BIN)/openletter demo $(if $(ONCE),--once) $(if $(FRESH),--fresh)

test: check tools ## checks and all tests within ten minutes
	@$(PYTEST)

test-full: check tools ## the full matrices too, up to an hour
	@$(PYTEST) -m "full or not full"

guides-test: tools ## follow every guide on the real servers (root), and keep the record
	@$(BIN)/python -m tests.servers.following
	@printf 'Next: git diff openletter/guides/tested.json\n' >&2

check: dev ## format, lint, types, import law, migrations, translations, generated docs
	@scripts/check

format: dev ## let ruff lay out the code
	@$(BIN)/ruff format openletter tests docs scripts/*.py && $(BIN)/ruff check --fix openletter tests docs scripts/*.py

dev:
	@scripts/setup dev

tools: dev
	@scripts/tools

clean: ## stop what runs, remove .venv, caches and the demonstration's data (not .state itself)
	@scripts/clean

lock: ## compile requirements*.in to hashed files without addresses
	@for part in requirements requirements-dev; do \
	  uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	    --no-annotate --no-emit-index-url --no-emit-find-links $$part.in -o $$part.txt || exit 1; done
	@printf 'Locked. Next: make test\n' >&2

docs: dev ## write docs/reference from the code
	@$(BIN)/python docs/reference/generate.py
	@printf 'Written. Next: git diff docs/reference\n' >&2

messages: dev ## collect and compile the translations
	@$(BIN)/python scripts/messages.py
	@printf 'Next: translate what is fuzzy or empty, then make check\n' >&2

letters: setup ## every letter that is built, signed, as files with index and zone (DIR=...)
	@$(BIN)/openletter letter preview --all $(or $(DIR),.state/letters)

bench: ## measure what docs/benchmarks.md states
	@scripts/setup bench
	@$(BIN)/python -m tests.bench

bench-operation: setup ## the 2004 operation replayed: a million suspect rows, 100,000 letters (ROWS=, KILL=)
	@$(BIN)/python bench/operation.py --rows $(or $(ROWS),1000000) --kill $(or $(KILL),0)

wheel: setup ## build dist/*.whl
	@rm -rf dist && scripts/wheel
