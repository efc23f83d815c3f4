# VeriSync. Bare `make` lists what can be done; only make and python3 (3.11 or newer) are needed.
.DEFAULT_GOAL := help
.PHONY: help demo demo-reset environment test check proof bench lock clean

VENV := .venv
RUN := $(VENV)/bin/python

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

demo: environment ## the whole product against the sandbox, to look at; CHECK=1 walks one order and ends
	@$(RUN) -m demo $(if $(CHECK),--check) $(if $(PORT),--port $(PORT)) $(if $(SANDBOX_PORT),--sandbox-port $(SANDBOX_PORT)) $(if $(HOLD),--hold $(HOLD))

demo-reset: environment ## forget what earlier demos kept
	@$(RUN) -m demo --reset

environment: ## make the virtual environment from the hashed locks
	@sh requirements/install.sh $(VENV)

test: environment ## run every test
	@$(RUN) -m pytest $(or $(ARGS),-n auto --dist worksteal)

check: environment ## format, lint, types, import contracts, templates, missing migrations
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@DEBUG=true $(RUN) -m mypy
	@$(VENV)/bin/lint-imports
	@git ls-files -z '*.html' | xargs -0 -r $(RUN) -m djlint --lint --quiet
	@DEBUG=true DATABASE_ROLE=owner $(RUN) manage.py makemigrations --check --dry-run

proof: environment ## never lost, never twice: break everything and judge it, FULL=1 at full size, SEED=, SIZE=, SHARE=, KILLS=, ONLY=R1,R4
	@$(RUN) -m proof $(if $(FULL),--full) $(if $(SEED),--seed $(SEED)) $(if $(SEEDS),--seeds $(SEEDS)) $(if $(SIZE),--size $(SIZE)) $(if $(SHARE),--share $(SHARE)) $(if $(KILLS),--kills $(KILLS)) $(if $(ONLY),--only $(ONLY)) $(ARGS)

bench: environment ## the yardsticks, each beside its limit or peer; ONLY="P1 P9", QUICK=1, MARKDOWN=file
	@$(RUN) -m bench $(ONLY) $(if $(QUICK),--quick) $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(MARKDOWN),--markdown $(MARKDOWN))

lock: ## write the hashed locks anew from requirements/*.in
	@sh requirements/lock.sh

clean: ## remove the virtual environment and all local data
	rm -rf $(VENV) .var
