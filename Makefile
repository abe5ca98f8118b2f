# Postscale. `make` lists what can be made.
#
# PORT_BASE=20000 moves every port of the local stack into that block, STATE_DIR=… moves its .local/.

PYTHON ?= python3
STAGE ?= prod
PIP = -m pip install --quiet --disable-pip-version-check
RUN = .venv/bin/python -m
TEST = $(RUN) pytest -q

PACKAGED = app.py requirements.txt .chalice/config.json \
	infra/package.py infra/template.py infra/resources.yaml infra/functions.yaml $(shell find chalicelib -name '*.py' -o -name '*.toml')

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run demo test test-pure test-steps test-sockets test-journeys check format package bench cost clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: .venv/ready .venv-ministack/ready dist/local/sam.json  ## the whole service on loopback, until Ctrl-C
	@$(RUN) infra.local

demo: .venv/ready .venv-ministack/ready dist/local/sam.json  ## send messages through it and show their journeys
	@$(RUN) infra.local.demo

test: .venv/ready .venv-ministack/ready  ## every test: pure, steps, sockets, journeys
	$(TEST)

test-pure: .venv/ready  ## … those that touch nothing: seconds
	$(TEST) -m pure

test-steps: .venv/ready  ## … those of the steps, against AWS in memory (moto)
	$(TEST) -m steps

test-sockets: .venv/ready  ## … those that speak over loopback
	$(TEST) -m sockets

test-journeys: .venv/ready .venv-ministack/ready  ## … those of the whole, in MiniStack
	$(TEST) -m journeys

check: .venv/ready  ## format, lint, types
	.venv/bin/ruff format --check
	.venv/bin/ruff check
	.venv/bin/mypy

format: .venv/ready  ## put the code into the project's format
	.venv/bin/ruff format
	.venv/bin/ruff check --fix

package: .venv/ready  ## template and zip for AWS, in dist/prod (STAGE=local: for MiniStack)
	@$(RUN) infra.package --stage $(STAGE)

bench: .venv/ready  ## how fast it is; writes benchmarks/results/bench.json
	@$(RUN) benchmarks.bench

cost: .venv/ready .venv-ministack/ready  ## what it costs; writes benchmarks/results/cost.json
	@$(RUN) benchmarks.cost

clean:  ## remove what was made, but not the state of the local stack
	rm -rf .venv .venv-ministack dist .chalice/deployments .mypy_cache .ruff_cache .pytest_cache .hypothesis

dist/local/sam.json: $(PACKAGED) | .venv/ready
	@$(RUN) infra.package --stage local

.venv/ready: requirements.txt requirements-dev.txt
	@echo "making .venv"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	@$(PYTHON) -m venv .venv
	@.venv/bin/python $(PIP) -r requirements-dev.txt
	@touch $@

.venv-ministack/ready: requirements-ministack.txt
	@echo "making .venv-ministack"
	@$(PYTHON) -m venv .venv-ministack
	@.venv-ministack/bin/python $(PIP) -r requirements-ministack.txt
	@touch $@
