# Two commands do everything: `make demo` and `make test`. Both set up `.venv` first if needed.
#
#   make setup PYTHON=python3.11         another interpreter
#   make setup SYSTEM=1                  keep the torch that is already installed (CUDA, offline)
#   make setup PIP_ARGS="..."            passed on to pip
#   make test ARGS="-k consensus"        passed on to pytest; `make demo ARGS=...` likewise

WORKERS ?= auto
ARGS ?=
export PYTHON SYSTEM PIP_ARGS

# The tests run in parallel processes, one thread in each, and with the named plugins only:
# an interpreter whose packages are kept (SYSTEM=1) may bring others.
PYTEST := OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 \
	.venv/bin/python -m pytest -p xdist -p hypothesispytest

.DEFAULT_GOAL := help
.PHONY: help setup environment demo test lint types format clean

help: ## list these commands
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile | expand -t 16

setup: environment ## make or update the virtual environment .venv
	@scripts/setup.sh --describe

environment:
	@scripts/setup.sh

demo: environment ## train two games, leave a folder with pictures
	.venv/bin/nashgrad demo $(ARGS)

test: environment ## run all tests
	$(PYTEST) -q -n $(WORKERS) --maxprocesses 8 --dist worksteal $(ARGS)

lint: environment ## check style and format
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .

types: environment ## check types
	.venv/bin/mypy

format: environment ## format, and mend what can be mended
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

clean: ## remove the environment and all caches
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist
