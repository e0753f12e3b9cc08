PYTHON ?= python3
BIN := .venv/bin
# Many tests wait for a server or a process: one worker more than there are cores keeps these busy.
WORKERS := $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)

.PHONY: demo test slow lint types wheel clean help

demo: .venv/installed  ## The whole way on the bundled sample: no key, no GPU, no network
	$(BIN)/gedit-bench demo

test: .venv/installed lint types  ## Everything that a change must pass, in a few minutes
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

slow: .venv/installed  ## What takes longer: minutes of faults, loops of kills
	$(BIN)/python -m pytest -n auto --dist worksteal -m slow

lint: .venv/installed  ## Style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/installed  ## mypy --strict
	$(BIN)/mypy

wheel: .venv/installed  ## dist/*.whl
	rm -rf dist
	$(BIN)/python -m build --wheel --outdir dist .

clean:  ## Remove the environment and what was built
	rm -rf .venv dist build

help:  ## This list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 8

.venv/installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	touch $@
