# Everything people and CI type. Needs Python 3.11 or later with venv, git and make.
.DEFAULT_GOAL := help
VENV ?= .venv
BIN := $(VENV)/bin
# Some of the tests' time is waiting for other processes, so one more than there are cores; each sets up a
# world of its own, so no more than that.
WORKERS ?= $(shell echo $$((1 + $$(getconf _NPROCESSORS_ONLN))))
LINES ?= 1000000
N ?= 12
SEEDS ?= 200
LOCKS := requirements/run.txt requirements/build.txt pyproject.toml scripts/set-up.sh

.PHONY: help demo bench lost-replies simulate promises screenshots test exhaustive play quick check format reference lock clean

help: ## What can be made
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' $(MAKEFILE_LIST) | expand -t 14

# A stamp newer than the locks means that the environment is as locked, so the second call costs
# nothing. Both stamps live in the environment and vanish with it.
$(VENV)/stamp-run: $(LOCKS)
	@scripts/set-up.sh $(VENV) run
	@touch $@

$(VENV)/stamp-dev: $(LOCKS) requirements/dev.txt
	@scripts/set-up.sh $(VENV) dev
	@touch $@ $(VENV)/stamp-run

$(VENV)/stamp-compare: $(VENV)/stamp-run requirements/compare.txt
	@scripts/set-up.sh $(VENV)/compare compare
	@touch $@

demo: $(VENV)/stamp-run ## Run the main job on the sandbox and say where to look
	@$(BIN)/python -m scripts.demo

bench: $(VENV)/stamp-run ## Time and memory of the main job (LINES=1000000), beside a bare loop
	@$(BIN)/python -m scripts.benchmark $(LINES)

lost-replies: $(VENV)/stamp-compare ## What becomes of writes without an answer (N=12), beside others
	@$(BIN)/python -m scripts.lost_replies $(VENV)/compare/bin/python --writes $(N)

simulate: $(VENV)/stamp-dev ## Seeded plans of faults played in virtual time (SEEDS=200)
	@$(BIN)/python scripts/simulate.py --seeds $(SEEDS) --workers 2

promises: $(VENV)/stamp-dev ## What is promised of many processes, measured here (SEEDS=200)
	@$(BIN)/python -m scripts.promises --seeds $(SEEDS)

screenshots: $(VENV)/stamp-dev ## Pictures of every page into docs/images; needs Chromium
	@$(BIN)/python -m scripts.screenshots

test: $(VENV)/stamp-dev ## Every check and every test, of like cases a few
	@$(MAKE) --no-print-directory -j2 check play

exhaustive: $(VENV)/stamp-dev ## Every case of every test, those left out by make test too
	@EXHAUSTIVE=1 $(MAKE) --no-print-directory -j2 check play

# Collected once by itself, so that the modules are compiled before all workers ask for them.
play: $(VENV)/stamp-dev
	@$(BIN)/python -m pytest --collect-only --quiet > $(VENV)/collected.txt || { cat $(VENV)/collected.txt; exit 1; }
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

quick: $(VENV)/stamp-dev ## The tests that take less than a few seconds each
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m "not long"

check: $(VENV)/stamp-dev ## Format, lint, types, floors
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-logo > $(VENV)/lint-imports.txt || { cat $(VENV)/lint-imports.txt; exit 1; }

format: $(VENV)/stamp-dev ## Format the code, mend what can be mended
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format --quiet .

reference: $(VENV)/stamp-dev ## Write docs/reference from the code
	@$(BIN)/python scripts/write_reference.py

lock: ## Lock the requirements anew (UPGRADE=1 takes newer versions); needs uv
	@scripts/lock.sh

clean: ## Remove the environment, caches and the demo's state
	@rm -rf $(VENV) build dist demo .sandbox .pytest_cache .mypy_cache .ruff_cache .hypothesis \
	    .import_linter_cache
	@find src tests scripts -name __pycache__ -type d -prune -exec rm -rf {} +
