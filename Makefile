# The retraining controller. `make` alone prints what there is.
.DEFAULT_GOAL := help
SHELL := /bin/sh
CARGO ?= cargo
# A certificate bundle of the host's would be read for local endpoints too.
unexport AWS_CA_BUNDLE

.PHONY: help demo sandbox build test lint fmt check schema lifecycle readme clean

help: ## print this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## play one day of one model on a local AWS
	@$(CARGO) run --locked --quiet -p retrain-local --bin demo

sandbox: ## run a local AWS with the sample model on port 4599
	@$(CARGO) run --locked --quiet -p retrain-local --bin sandbox

build: ## compile everything
	$(CARGO) build --locked --workspace --all-targets

test: ## run all tests
	$(CARGO) test --locked --workspace

lint: ## check format, clippy, documentation, purity of the core, dependencies
	$(CARGO) fmt --all --check
	sh scripts/purity.sh
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --workspace --no-deps --document-private-items --quiet
	sh scripts/deny.sh

fmt: ## format the code
	$(CARGO) fmt --all

check: lint test ## all that CI checks

schema: ## generate docs/policy.schema.json from the policy's types
	$(CARGO) run --locked --quiet -p retrain-core --features schema --example policy-schema > docs/policy.schema.json

lifecycle: ## generate docs/LIFECYCLE.md from the code
	UPDATE_DOCS=1 $(CARGO) test --locked --quiet -p integration lifecycle

readme: ## write the demo's output into README.md
	$(CARGO) run --locked --quiet -p retrain-local --bin demo | python3 scripts/readme-demo.py

clean: ## remove what was built
	$(CARGO) clean
