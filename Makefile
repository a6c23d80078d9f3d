# `make demo` and `make test` need Python 3.10 or newer and nothing else: the environment is made in .venv.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo test lint docs pytest bench fuzz coverage accuracy truth clean
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

# In two processes, for two cores: the tests that start TensorFlow and Keras most, and all others.
FRAMEWORKS := tests/loaders tests/conversion tests/graphs tests/proof tests/remedies tests/watch tests/api
pytest: $(VENV)/.installed
	@mkdir -p build
	@$(BIN)/pytest $(wildcard $(FRAMEWORKS)) > build/frameworks.log 2>&1 & frameworks=$$!; \
	$(BIN)/pytest $(FRAMEWORKS:%=--ignore=%); others=$$?; \
	wait $$frameworks; first=$$?; cat build/frameworks.log; exit $$((first + others))

bench: $(VENV)/.installed
	$(BIN)/python benchmarks/bench.py

# Looks for inputs that break a reader, led by coverage; FUZZ_SECONDS for each reader.
FUZZ_SECONDS ?= 60
FUZZED := single_file bundle_index bundle_data bundle_entries v1_entries state_file object_graph meta_graph saved_model keras_config plan_file lock_file block
fuzz: $(VENV)/.installed
	$(BIN)/pip install --quiet --disable-pip-version-check --group fuzz
	mkdir -p build
	for target in $(FUZZED); do $(BIN)/python -m tests.fuzz.atheris_run $$target -max_total_time=$(FUZZ_SECONDS) -rss_limit_mb=4096 -timeout=20 -artifact_prefix=build/ || exit 1; done

# Branches of what reads, plans and writes that the tests run through.
COVERED := ckptdoctor/io/*,ckptdoctor/containers/*,ckptdoctor/formats/*,ckptdoctor/specs/*,ckptdoctor/conversion/*,ckptdoctor/ops/*,ckptdoctor/executor/*
coverage: $(VENV)/.installed
	$(BIN)/pip install --quiet --disable-pip-version-check --group coverage
	$(BIN)/coverage run -m pytest -q
	$(BIN)/coverage report --include='$(COVERED)'

accuracy: $(VENV)/.installed
	$(BIN)/pip install --quiet --disable-pip-version-check --group bench
	$(BIN)/python benchmarks/diagnosis/cases.py
	$(BIN)/python benchmarks/diagnosis/mutants.py

# What the owners' loaders really do against what ckptdoctor says that they do; kept in build/truth and resumed.
truth: $(VENV)/.installed
	$(BIN)/pip install --quiet --disable-pip-version-check --group bench
	$(BIN)/python benchmarks/loaders/bench.py --page docs/truth.md
	$(BIN)/python benchmarks/loaders/asserts.py >> docs/truth.md

clean:
	rm -rf $(VENV) build

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	$(BIN)/pip install --quiet --editable . --group dev
	touch $@
