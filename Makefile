# Commands of the workspace. They need Python 3.11 or newer, pip and make; everything else is set up
# under .venvs/ from the locks in requirements/, once.
#
#   make rehearse PYTHON=python3.12                   with another Python
#   make rehearse ARGS='bundle.yaml --chaos 7'        other arguments for the program behind
#   make test ARGS='tests/metadata -k endpoints'

PYTHON ?= python3
ARGS ?=

# GROUP COMMAND...: run in the group's environment, which is set up first where it has to be.
RUN = $(PYTHON) tools/bootstrap.py

# Suites that need programs or machines from outside; each has a target or a tox environment.
OUTSIDE = tests/benchmarks tests/pebble mediahub/tests/gonic/test_gonic.py
IGNORED = $(addprefix --ignore=,$(OUTSIDE))

# The whole suite takes 1.6 times as long in one process; a few chosen tests start sooner in one.
PARALLEL = $(if $(ARGS),,--numprocesses auto)

BENCHMARKS = $(sort $(wildcard tests/benchmarks/bench_*.py))

.DEFAULT_GOAL := help
.PHONY: rehearse demo chaos test test-cluster test-pebble test-gonic lint format lock bench pictures clean help

rehearse: ## Deploy the bundle on the embedded model of Juju and Kubernetes
	@$(RUN) rehearse rehearse $(or $(ARGS),bundle.yaml)

demo: ## Show mediahub before an evening of films, on a free port of this machine
	@$(RUN) test python -m mediahub.cli demo $(ARGS)

chaos: ## Play 1,000 bad nights of the bundle and print the tally
	@$(RUN) rehearse rehearse $(or $(ARGS),bundle.yaml --chaos 0 --nights 1000 --jobs 2)

test: ## Run every test that needs no external program
	@KUBEBUILDER_ASSETS= $(RUN) test pytest $(IGNORED) $(PARALLEL) $(ARGS)

test-cluster: ## Hold the fake Kubernetes API and the charms to a real API server
	@$(RUN) test python tests/cluster/programs.py pytest $(or $(ARGS),tests/cluster)

test-pebble: ## Hold the charms' layers and the model of Pebble to a real Pebble
	@$(RUN) test pytest $(or $(ARGS),tests/pebble)

test-gonic: ## Hold the hub's Subsonic dialect to a real gonic
	@$(RUN) test pytest $(or $(ARGS),mediahub/tests/gonic)

lint: ## Check style, types, imports, spelling and locks
	@$(RUN) lint python tools/lint.py $(ARGS)

format: ## Format the code and mend what ruff can mend
	@$(RUN) lint ruff check --fix --quiet .
	@$(RUN) lint ruff format .

lock: ## Renew all locks to the newest versions that the inputs allow
	@$(RUN) lint python tools/lock.py $(ARGS)

bench: ## Measure what the design sets numbers for
	@status=0; for program in $(or $(ARGS),$(BENCHMARKS)); do \
		$(RUN) test python $$program || status=1; \
	done; exit $$status

pictures: ## Take the pictures of the hub's page that docs show; needs Chromium
	@$(RUN) test python tools/page_pictures.py $(ARGS)

clean: ## Remove environments, caches and what was built
	@rm -rf .venvs .tox charms/*/.tox .pytest_cache .ruff_cache .hypothesis .import_linter_cache build dist
	@find . -path ./.git -prune -o -path ./.venv -prune -o -name __pycache__ -type d -print0 | xargs -0 rm -rf

help: ## Show this
	@sed -n 's/^\([a-z-]*\):.*## /make \1\t/p' $(MAKEFILE_LIST) | expand -t 18
