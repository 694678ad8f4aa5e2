# praxisd: everything a person or a machine does here. Needs make and Python >= 3.11, nothing else.
#
#   make demo      a running sample practice in ./demo-data (DATA=..., PORT=...)
#   make test      everything: check, then the whole suite; brings up its own PostgreSQL
#   make check     format, lint, types, import rule, house rules
#   make bench     ratios against peers            make torture N=20000   attempts to double-book; KILLS=100: kill -9
#                                                  JOBS=1: servers killed and frozen at work on jobs
#                                                  MESSAGES=1: killed while they prepare, send and ask (KILLS=200)
#                                                  BACKUPS=1: backups under load, killed, their media damaged (RUNS=30 KILLS=50)
#                                                  SEATS=1: programs that race for locks (N: acquires, 100,000 if left out)
#                                                  RELAY=1: hub, links and guests (N: fuzzed inputs, 1,000,000 if left out)
#                                                  CLUSTER=1: three nodes, two hubs, everything taken away once (N: rounds)
#   make soak      an hour of the demo under work and faults (MINUTES=60 POSTGRES=1 OUT=soak-out); what grows fails it
#   make docs      write docs/reference anew       make lock              resolve uv.lock anew
#   make ui        build the console               make screenshots       every page as a picture, into screenshots/
#                                                  make pictures          those of docs/, by the tests that show them (on a working day)
#
# All paths are relative: the folder may have spaces in its name.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.SUFFIXES:
MAKEFLAGS += --no-print-directory
# What Python compiled is kept, also where the caller keeps nothing: half of a program's start would be compiling.
unexport PYTHONDONTWRITEBYTECODE

# First Python that starts and is new enough (pyenv and the like leave names on PATH that do not start).
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3 python; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$p"; break; }; done)

DATA ?= demo-data
PORT ?= 8080
N ?= 20000

VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check -qq
# An environment remembers the folder it was made in; a copied or moved one is made anew.
HERE := $(shell pwd | cksum | cut -d' ' -f1)
RUN := $(VENV)/.run-$(HERE)
DEV := $(VENV)/.dev-$(HERE)

UI := src/praxisd/web/console/built-from

.PHONY: help venv ui demo test check lint bench torture soak docs screenshots pictures lock clean
help:
	@sed -n 's/^#   //p' Makefile

$(VENV)/.made-$(HERE):
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3" >&2; exit 1; }
	@echo "making $(VENV) with $(PYTHON)"
	@$(PYTHON) -m venv --clear $(VENV) || { echo "on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@touch $@

$(RUN): pyproject.toml uv.lock tools/locked.py | $(VENV)/.made-$(HERE)
	@echo "installing praxisd"
	@$(PY) tools/locked.py constraints > $(VENV)/constraints.txt
	@$(PIP) install -c $(VENV)/constraints.txt -e .
	@touch $@

$(DEV): $(RUN)
	@echo "installing the tools of development"
	@$(PY) tools/locked.py dev > $(VENV)/dev.txt
	@$(PIP) install -c $(VENV)/constraints.txt -r $(VENV)/dev.txt
	@touch $@

venv: $(DEV)
	@:

# What the sources are is asked of build_ui itself (it does nothing when they are unchanged).
ui: | $(VENV)/.made-$(HERE)
	@test -f $(UI) || echo "building the console"
	@$(PY) tools/build_ui.py

# A folder that was filled before is served again as it is.
demo: $(RUN) ui
	@exec $(VENV)/bin/praxisd demo --data "$(DATA)" --port $(PORT)

# Each tool has its say, also after another has complained.
lint: $(DEV) ui
	@rc=0; \
	$(PY) -m ruff format --check --quiet . || { echo "run: $(PY) -m ruff format ." >&2; rc=1; }; \
	$(PY) -m ruff check --quiet . || rc=1; \
	$(PY) -m mypy || rc=1; \
	$(PY) -c 'import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_logo=True))' || rc=1; \
	$(PY) tools/check_ui.py || rc=1; \
	exit $$rc

check: $(DEV) ui
	@rc=0; $(MAKE) lint || rc=1; $(PY) -m pytest -q tests/house || rc=1; exit $$rc

# The suite runs even if a check fails, so that one run tells everything; either makes the run fail.
# Four workers for two processors: three left them idle for a quarter of the time (a run of 43 minutes took 61 of processors).
# Each with whole files: what a module brings up, it brings up once. In the order of tests/conftest.py.
# A few that fail in company are tried once more alone, and named (tools/second_look.py says which never are).
WORKERS ?= 4
test: $(DEV) ui
	@rc=0; $(MAKE) lint || rc=1; $(PY) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder || \
	{ [ $$? -eq 1 ] && $(PY) tools/second_look.py; } || rc=1; exit $$rc

# Each part is kept in bench/results as it ends; begun again, it goes on.
bench: $(DEV) ui
	@$(PY) -m bench all --write

MINUTES ?= 60
soak: $(DEV) ui
	@$(PY) -m praxisd.testing.soak --minutes $(MINUTES) $(if $(POSTGRES),--postgres) --out $(or $(OUT),soak-out)

torture: $(DEV)
	@$(if $(MESSAGES),$(PY) -m praxisd.testing.torture_messages --kills $(or $(KILLS),200) && \
	$(PY) -m praxisd.testing.torture_messages --postgres --kills $(or $(KILLS),200) --stops $(or $(STOPS),10),\
	$(if $(JOBS),$(PY) -m praxisd.testing.torture_jobs --kills $(or $(KILLS),12) --stops $(or $(STOPS),6),\
	$(if $(RELAY),$(PY) -m praxisd.testing.relay_torture --n $(if $(filter command line,$(origin N)),$(N),1000000) && \
	$(PY) -m praxisd.testing.relay_idle && $(PY) -m praxisd.testing.relay_storm,\
	$(if $(BACKUPS),$(PY) -m praxisd.testing.backup_torture --runs $(or $(RUNS),30) --kills $(or $(KILLS),50),\
	$(if $(XDT),$(PY) -m praxisd.testing.xdt_large --bytes $(or $(BYTES),100000000),\
	$(if $(TAKEOVER),$(PY) -m praxisd.testing.takeover_torture,\
	$(if $(CLUSTER),$(PY) -m praxisd.testing.cluster_torture --n $(if $(filter command line,$(origin N)),$(N),3),\
	$(if $(SEATS),$(PY) -m praxisd.testing.seat_race --acquires $(if $(filter command line,$(origin N)),$(N),100000) && \
	$(PY) -m praxisd.testing.seat_race --postgres --nodes 2 --acquires $(if $(filter command line,$(origin N)),$(N),100000),\
	$(if $(ONLINE),$(PY) -m praxisd.testing.online_week --days $(or $(DAYS),7) && \
	$(PY) -m praxisd.testing.online_week --postgres --days $(or $(DAYS),7),\
	$(PY) -m praxisd.testing.torture --attempts $(N) $(if $(KILLS),--kills $(KILLS)))))))))))

docs: $(RUN)
	@$(PY) -m praxisd.testing.reference docs/reference

screenshots: $(DEV) ui
	@$(PY) -m praxisd.testing.screenshots screenshots

# The manual's pictures, taken by the tests of the console as they pass by. On a free day calendar and overview are empty.
pictures: $(DEV) ui
	@PRAXISD_PICTURES="$(CURDIR)/docs/pictures" $(PY) -m pytest -q -n 0 --basetemp=/tmp/praxis $$(grep -l 'picture(page' tests/e2e/test_*.py)

# uv is needed only here.
lock:
	@uv lock --upgrade

clean:
	rm -rf $(VENV) ui/node_modules src/praxisd/web/console build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
