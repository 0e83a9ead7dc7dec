# `make scan` runs the main job, `make test` passes the tests; each installs what it needs into .venv first.
PYTHON ?= python3
OUT ?=
SCAN_ARGS ?=

.PHONY: scan quick test check unit clean

scan: .venv/.ready
	.venv/bin/fullbore scan brain $(if $(OUT),--out $(OUT)) $(SCAN_ARGS)

quick: .venv/.ready
	.venv/bin/fullbore scan brain --quick $(if $(OUT),--out $(OUT)) $(SCAN_ARGS)

test: check unit

check: .venv/.test-ready
	.venv/bin/ruff check src tests benchmarks
	.venv/bin/ruff format --check src tests benchmarks
	.venv/bin/mypy
	.venv/bin/lint-imports

# The files run in the order of tests/conftest.py, the longest first; bytecode is kept for the commands that tests start.
unit: .venv/.test-ready
	OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE= .venv/bin/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --durations=15

.venv/.ready: pyproject.toml scripts/setup.sh
	PYTHON=$(PYTHON) sh scripts/setup.sh scan

.venv/.test-ready: .venv/.ready
	PYTHON=$(PYTHON) sh scripts/setup.sh test

clean:
	rm -rf .venv
