PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test slow lint types wheel clean

demo: .venv/installed  ## The whole way on the bundled sample: no key, no GPU, no network.
	$(BIN)/gedit-bench demo

test: .venv/installed lint types  ## Everything that a change must pass, in a few minutes.
	$(BIN)/python -m pytest -n auto --dist worksteal

slow: .venv/installed  ## Fault minutes and long kill loops.
	$(BIN)/python -m pytest -n auto --dist worksteal -m slow

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/installed
	$(BIN)/mypy

wheel: .venv/installed
	rm -rf dist
	$(BIN)/python -m build --wheel --outdir dist .

clean:
	rm -rf .venv dist build

.venv/installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	touch $@
