# VeraGate. `make help` lists what there is; nothing but Python 3.11 or 3.12 and make is needed.

VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.ready
PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3,$(shell command -v $(name) 2>/dev/null)))
PIP    := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt

# What to hand to pytest, for example: make test TESTS="tests/unit -k audit"
TESTS  ?=
# Test files at a time; many tests start a whole gateway, so more than two want more memory than most machines have
JOBS   ?= 2

.DEFAULT_GOAL := help
.PHONY: help setup demo run test lint bench clean

help: ## list the targets
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | awk -F'\t' '{printf "  make %-8s %s\n", $$1, $$2}'

setup: $(STAMP) ## build the environment in .venv (the other targets do it by themselves)

demo: setup ## send two patients' photographs through the whole gateway and show what came out
	@$(BIN)/python -m service demo

run: setup ## run the gateway with veragate.toml (`.venv/bin/veragate init` writes one to start from)
	@$(BIN)/veragate up

test: setup lint ## test everything that can be tested on this machine, and say what could not
	@$(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadfile $(TESTS)

lint: setup ## formatting, lint, types, import directions
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup ## measure faces, headers, whole photographs and C-STORE ingest on this machine
	@$(BIN)/python -m benchmarks

clean: ## remove the environment and what tools left behind
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache build dist demo-output

# mediapipe asks for the OpenCV build that needs OpenGL; where that library is missing, the same
# version without windows takes its place.
$(STAMP): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "make: Python 3.11 or 3.12 is needed, and no python3 was found" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' || \
	  { echo "make: Python 3.11 or 3.12 is needed (mediapipe has no build for others); name one: make PYTHON=python3.11" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Building the environment in $(VENV) (once; some minutes)"
	@$(PIP) pip
	@$(PIP) hatchling editables "setuptools>=70.1"
	@$(PIP) --no-build-isolation --group dev --editable '.[demo]'
	@$(PIP) --no-deps --group oracles
	@$(BIN)/python -c 'import cv2' 2>/dev/null || $(PIP) --no-deps --force-reinstall opencv-contrib-python-headless
	@touch $@
