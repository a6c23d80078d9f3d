# `make demo` and `make test` need Python 3.11 or newer and nothing else: the environment is made in .venv.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo test lint docs pytest bench accuracy clean
demo: $(VENV)/.installed
	$(BIN)/ckptdoctor demo build/demo --force

test: lint docs pytest

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)/.installed
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet --site-dir build/site

pytest: $(VENV)/.installed
	$(BIN)/pytest

bench: $(VENV)/.installed
	$(BIN)/python benchmarks/main_job.py

accuracy: $(VENV)/.installed
	$(BIN)/pip install --quiet --disable-pip-version-check --group bench
	$(BIN)/python benchmarks/diagnosis/cases.py
	$(BIN)/python benchmarks/diagnosis/mutants.py

clean:
	rm -rf $(VENV) build

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	$(BIN)/pip install --quiet --editable . --group dev
	touch $@
