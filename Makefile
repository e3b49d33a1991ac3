# `make` alone lists the recipes. Needs git, make and python3 (3.11 or newer); everything else is installed into .venv.
PYTHON ?= python3
PY := .venv/bin/python
HOST ?= 127.0.0.1
PORT ?= 8000
export PYTHONDONTWRITEBYTECODE ?= 1

.DEFAULT_GOAL := help
.PHONY: help run test test-faults check fix bench docs tour new-room lock release .venv-run .venv-dev

help:
	@echo "Mainstay. Recipes:"; sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

run: .venv-run ## serve the atlas (examples/01_atlas) on real rows; PORT=8000 HOST=127.0.0.1
	@$(PY) examples/01_atlas/run.py --host $(HOST) --port $(PORT)

test: .venv-dev ## install and start what the tests need, then run them all; TESTS=path for some; test-faults: at length
	@$(PY) scripts/services.py install >/dev/null
	@$(PY) -m pytest -n 2 --dist worksteal $(TESTS) </dev/null

# The long form of tests/faults, with its figures: some half an hour.
test-faults: .venv-dev
	@$(PY) scripts/services.py install >/dev/null
	@MAINSTAY_FAULTS=full $(PY) -m pytest -n 0 $(or $(TESTS),tests/faults) </dev/null

check: .venv-dev ## format, lint, types, floors, sizes: under a minute
	@.venv/bin/ruff format --check --output-format concise . || { echo "some files are not formatted: make fix"; exit 1; }
	@.venv/bin/ruff check --output-format concise .
	@.venv/bin/lint-imports --no-cache --config .importlinter >.venv/floors.txt || { cat .venv/floors.txt; exit 1; }
	@.venv/bin/mypy
	@$(PY) -m pytest tests/architecture

fix: .venv-dev ## format the code and mend what can be mended by machine
	@.venv/bin/ruff check --quiet --fix . ; .venv/bin/ruff format .

bench: .venv-dev ## requests a second and ratios to the floor, on SQLite and PostgreSQL
	@$(PY) -m bench.run

docs: .venv-dev ## write the docs' contents, run every code block, check every link
	@$(PY) scripts/contents.py
	@$(PY) -m pytest tests/docs

tour: ## the tree, with each module's first sentence
	@$(PYTHON) scripts/tour.py

new-room: ## NAME=things: write the anatomy of a new room
	@$(PYTHON) scripts/new_room.py $(NAME)

lock: .venv-dev ## write the lock files again from pyproject.toml; UPGRADE=1 takes the newest
	@$(PY) scripts/lock.py $(if $(UPGRADE),--upgrade)

release: .venv-dev ## VERSION=1.2.3: collect the changelog fragments, set the version, build
	@$(PY) scripts/changelog.py $(VERSION)
	@$(PY) -m hatchling build

.venv-run:
	@$(PYTHON) scripts/environment.py run

.venv-dev:
	@$(PYTHON) scripts/environment.py dev
