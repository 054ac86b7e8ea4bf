# make sweep:       set everything up, run the main job on the embedded data.
# make test:        set everything up, run the checks and the tests.
# make test-fast:   the same without what is slow.
# make test-timing: the tests of wall-clock times, which need an idle machine.
# make gpu-records: measure what needs a GPU, in less than 8 minutes; TOY=1 tries it on the CPU, OUT=FOLDER packs the records.
# make fuzz:        ten minutes of random input for all that users type and edit.
unexport PYTHONDONTWRITEBYTECODE
# Else every process of the tests compiles the project again.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
OFFICIAL := .venv-official
# Cityscapes' own evaluation, which a test compares with: it needs an older numpy than the project

.PHONY: sweep test run-tests test-fast test-timing gpu-records fuzz lint install clean
.DEFAULT_GOAL := sweep

sweep: $(STAMP)
	$(BIN)/bench sweep quick

# The checks run beside the tests.
test: $(STAMP) $(OFFICIAL)/.installed
	$(MAKE) --no-print-directory -j 2 lint run-tests

# Two processes, since each loads torch; each with one thread: the threads of two that compute wait for each other at
# every operator.
run-tests:
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist worksteal

test-fast: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist worksteal -m 'not slow and not browser and not cluster and not timing'

test-timing: $(STAMP)
	$(BIN)/pytest -m timing

gpu-records: $(STAMP)
	$(BIN)/bench gpu-records $(if $(TOY),--toy) $(if $(OUT),--out '$(OUT)')

fuzz: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.fuzz --minutes 10

install: $(STAMP)

lint: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "bench needs Python 3.11 or newer, $(PYTHON) is older. Run: make PYTHON=python3.11"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[dev]' -c constraints.txt
	@touch $@

$(OFFICIAL)/.installed:
	$(PYTHON) -m venv $(OFFICIAL)
	$(OFFICIAL)/bin/pip install --quiet --disable-pip-version-check cityscapesscripts==2.3.0 'numpy<2.4'
	@touch $@

clean:
	rm -rf $(VENV) $(OFFICIAL) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
