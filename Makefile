# `make` lists the verbs. Each does its own set-up: a Python from 3.11 on and a C compiler suffice.
# ARGS goes to what a verb runs: make demo ARGS='--once --port 9001', make unit ARGS='-k close -x'.

VENV := .venv
PY := $(VENV)/bin/python
PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3.14 python3,$(call usable,$(name))))
usable = $(shell $(1) -c 'import sys, venv; sys.version_info >= (3, 11) and print("$(1)")' 2>/dev/null)

# What the installed package is built from; all other Python files are used where they lie.
COMPILED := $(shell sed -n 's|^    "\(.*\)",$$|\1|p' wsproto_async/_native/__init__.py)
BUILT_FROM := pyproject.toml $(patsubst %,wsproto_async/%.py,$(subst .,/,$(COMPILED))) \
	$(shell find wsproto_async -name '*.pxd' -o -name '*.pyx' -o -name '*.h') \
	$(wildcard wsproto_async/_native/*.py)

.DEFAULT_GOAL := help
.PHONY: help venv build lint format types unit conformance conformance-full hostile parity test \
	demo bench docs site sanitize fuzz mutants soak clean

help: ## list the verbs
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | expand -t 18

venv: $(VENV)/installed ## make .venv with the package, compiled, and the tools of its developers

$(VENV)/installed: $(BUILT_FROM)
	@test -n "$(PYTHON)" || { echo "no Python from 3.11 on found: name one by PYTHON=..."; exit 1; }
	test -e $@ || { rm -rf $(VENV) && $(PYTHON) -m venv $(VENV); }
	$(PY) -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

IS_NATIVE := 'from wsproto_async._native import NATIVE; assert NATIVE, "no compiled modules: is there a C compiler?"'
build: venv ## compile the package, and fail where it would run as plain Python
	@$(PY) -c $(IS_NATIVE)

lint: venv ## ruff: rules and format
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

format: venv ## let ruff mend what it can
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

types: venv ## mypy --strict
	$(PY) -m mypy

# All of the tests together are held to what they cover; a part of them (ARGS) is not.
# They wait more than they compute, so there are more processes than most machines have cores.
COVERAGE := 100
ALL := -n 4 --dist worksteal
unit: venv ## pytest, compiled and as plain Python, there with the branches that it covers
	$(PY) -m pytest $(or $(ARGS),$(ALL))
	WSPROTO_ASYNC_PURE=1 $(PY) -m pytest $(or $(ARGS),$(ALL) --cov --cov-report=)
	$(if $(ARGS),,$(PY) -m coverage report --fail-under=$(COVERAGE))

SMALL := --set deflate-small --runner auto --report build/conformance-deflate
conformance: venv ## the Autobahn testsuite, quick set and short compressed messages: roles, styles, builds
	$(PY) tests/conformance/run.py $(ARGS)
	WSPROTO_ASYNC_PURE=1 $(PY) tests/conformance/run.py $(ARGS)
	$(PY) tests/conformance/run.py $(SMALL) server_async client_callbacks
	WSPROTO_ASYNC_PURE=1 $(PY) tests/conformance/run.py $(SMALL) server_callbacks client_async

conformance-full: venv ## all of it, compiled and as plain Python; by its own runner if a Python 2.7 is there
	$(PY) tests/conformance/run.py --set full --runner auto $(ARGS)
	WSPROTO_ASYNC_PURE=1 $(PY) tests/conformance/run.py --set full --runner auto $(ARGS)

hostile: venv ## the attack suite, strictly: a server of its own for each attack, both builds
	HOSTILE=1 $(PY) -m pytest -s tests/hostile $(ARGS)
	WSPROTO_ASYNC_PURE=1 HOSTILE=1 $(PY) -m pytest -s tests/hostile $(ARGS)

parity: venv ## Autobahn's contract: how much of it is there
	$(PY) -m tests.parity $(ARGS)

test: build lint types unit conformance parity ## everything that must pass before a commit

demo: venv ## server with a chat page, and a client, at port 9000; ARGS=--once exits by itself
	@$(PY) -u -m examples.demo $(ARGS)

bench: venv ## speed and memory beside other libraries; ARGS=--publish writes docs/performance.*
	$(PY) -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	$(PY) -m benchmarks $(ARGS)

docs: venv ## write the reference pages that are read off the code
	$(PY) -m docs.generate

site: venv ## the documentation as a site, in build/site
	$(PY) -m docs.site

# In a copy, so that the instrumented modules do not take the place of the others.
SANITIZED := tests/native tests/core tests/fuzz \
	tests/protocol/test_reentrance.py tests/protocol/test_model.py
SANITIZERS := -fsanitize=address,undefined -fno-sanitize-recover=undefined -g -O1
sanitize: venv ## pytest on modules compiled with the address and undefined-behaviour sanitizers
	rm -rf build/sanitize && mkdir -p build/sanitize
	cp -r pyproject.toml README.md LICENSE wsproto_async tests examples build/sanitize
	find build/sanitize -name '*.so' -delete
	cd build/sanitize && ../../$(PY) -m venv venv && \
		WSPROTO_ASYNC_CFLAGS="$(SANITIZERS)" venv/bin/python -m pip install -q --editable '.[dev]' && \
		export ASAN_OPTIONS=detect_leaks=0 PYTHONMALLOC=malloc \
			LD_PRELOAD="$$(gcc -print-file-name=libasan.so) $$(gcc -print-file-name=libubsan.so)" && \
		venv/bin/python -c $(IS_NATIVE) && venv/bin/python -m pytest $(or $(ARGS),$(SANITIZED))

fuzz: venv ## look for input that does harm; ARGS='frames --seconds=600', without names all targets
	$(PY) -m pip install --quiet --disable-pip-version-check --editable '.[fuzz]'
	$(PY) -m tests.fuzz $(ARGS)

mutants: venv ## change the source in one place at a time: do the tests notice? ARGS=core/http1.py
	$(PY) -m tests.mutation $(ARGS)

soak: venv ## a million connections, and ten minutes of a bad network; ARGS='faults --seconds=60'
	$(PY) -m tests.soak $(ARGS)

clean: ## remove what the other verbs made
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find wsproto_async -name '*.so' -delete
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
