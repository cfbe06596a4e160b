# Verbs of this repository. Every target sets up what it needs; doing it again is quick.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
PY := .venv/bin/python
ARGS ?=
# Processes that share the tests; one more than cores, as servers' starts and stops are waited for.
WORKERS ?= 3

.PHONY: help setup protos run down status test lint format bench lock clean

help: ## list the verbs
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

.venv/installed-local: requirements/local.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed: make PYTHON=python3.12 ...")'
	@test -x $(PY) || $(PYTHON) -m venv .venv
	@echo "installing the locked dependencies into .venv (a minute, once)"
	@$(PY) -m pip install -qq --disable-pip-version-check --require-hashes -r requirements/local.lock
	@mkdir -p gen
	@$(PY) -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.venv/installed-dev: requirements/dev.lock .venv/installed-local
	@echo "installing the development tools into .venv (a minute, once)"
	@$(PY) -m pip install -qq --disable-pip-version-check --require-hashes -r requirements/dev.lock
	@touch $@

setup: .venv/installed-local protos ## create .venv, install the locked dependencies, generate code

protos: .venv/installed-local ## generate Python code and the descriptor set from protos/
	@$(PY) tools/protos.py generate

run: setup ## start everything under .local/ with a demo season; Ctrl-C stops it
	@$(PY) -m deploy.local up $(ARGS)

down: setup ## stop a stack that was started with --detach
	@$(PY) -m deploy.local down $(ARGS)

status: setup ## show what runs, where, and how much memory it takes
	@$(PY) -m deploy.local status $(ARGS)

test: setup .venv/installed-dev ## install the servers that only tests need, then run every test
	@bash tools/test_servers.sh
	@$(PY) -m pytest -n $(WORKERS) $(ARGS)

lint: setup .venv/installed-dev ## ruff, mypy, import-linter, buf
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@.venv/bin/lint-imports
	@$(PY) tools/protos.py lint
	@$(PY) tools/protos.py breaking
	@$(PY) tools/configuration.py --check

format: setup .venv/installed-dev ## format Python and protos
	@$(PY) -m ruff check --fix-only --quiet .
	@$(PY) -m ruff format .
	@$(PY) tools/protos.py format
	@$(PY) tools/configuration.py

bench: setup .venv/installed-dev ## measure against yardsticks in the same run; prints ratios
	@$(PY) -m benchmarks $(ARGS)

lock: .venv/installed-dev ## pin all dependencies anew (no package host is written)
	@bash tools/lock.sh

clean: ## remove what was generated; keeps .local (your data)
	@rm -rf .venv gen dist .mypy_cache .ruff_cache .pytest_cache
