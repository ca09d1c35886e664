# The retraining controller. `make` alone prints what there is.
.DEFAULT_GOAL := help
SHELL := /bin/sh
CARGO ?= cargo
# A certificate bundle of the host's would be read for local endpoints too.
unexport AWS_CA_BUNDLE

.PHONY: help demo sandbox build test lint fmt check schema lifecycle readme man month clean

help: ## print this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z0-9-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## play two days of one model on a local AWS
	@$(CARGO) run --locked --quiet -p retrain-local --bin demo

sandbox: ## run a local AWS with the sample model on port 4599
	@$(CARGO) run --locked --quiet -p retrain-local --bin sandbox

build: ## compile everything
	$(CARGO) build --locked --workspace --all-targets

test: ## run all tests, also of the built functions in Lambda's runtime emulator
	$(CARGO) test --locked --workspace

lint: ## check format, clippy, documentation, purity of the core, dependencies
	$(CARGO) fmt --all --check
	sh scripts/purity.sh
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --workspace --no-deps --document-private-items --quiet
	sh scripts/deny.sh
	sh scripts/template.sh

fmt: ## format the code
	$(CARGO) fmt --all

check: lint loop-test test ## all that CI checks

schema: ## generate docs/policy.schema.json from the policy's types
	$(CARGO) run --locked --quiet -p retrain-core --features schema --example policy-schema > docs/policy.schema.json

lifecycle: ## generate docs/LIFECYCLE.md from the code
	UPDATE_DOCS=1 $(CARGO) test --locked --quiet -p integration lifecycle

readme: ## write the demo's output into README.md
	$(CARGO) run --locked --quiet -p retrain-local --bin demo | python3 scripts/readme-demo.py

man: ## write the manual pages of retrainctl to target/man
	@$(CARGO) run --locked --quiet -p retrainctl -- man --to target/man

month: ## play a thousand months against the promises (an hour or so)
	MONTH_SEEDS=$${MONTH_SEEDS:-1000} $(CARGO) test --locked --release -p integration month

.PHONY: demo-loop demo-tuning loop-guide loop-guide-check loop-test

demo-loop: ## train, drift, retrain, judge and deploy a real model on a local AWS
	@sh scripts/loop.sh demo

demo-tuning: ## train the loop's first model as the best of a small grid, and take it from the cache
	@sh scripts/loop.sh tuning

loop-guide: ## write the end of the loop's demo into docs/LOOP.md
	@mkdir -p target
	sh scripts/loop.sh demo > target/demo-loop.txt
	python3 scripts/loop-guide.py < target/demo-loop.txt

loop-guide-check: ## play the loop and compare its end with docs/LOOP.md
	@mkdir -p target
	sh scripts/loop.sh demo > target/demo-loop.txt
	python3 scripts/loop-guide.py --check < target/demo-loop.txt

loop-test: ## check the scripts of the reference loop
	sh scripts/loop.sh test

.PHONY: fuzz sbom

fuzz: ## run every fuzz target for FUZZ_SECONDS (20), with a nightly compiler
	sh scripts/fuzz.sh $${FUZZ_SECONDS:-20}

sbom: ## write a CycloneDX bill of materials of each function and of retrainctl
	sh scripts/sbom.sh target/sbom

soak: ## play CHAOS_MONTHS (100) months of two hundred models under chaos, for hours
	CHAOS_MONTHS=$${CHAOS_MONTHS:-100} $(CARGO) test --locked --release -p integration chaos:: -- --nocapture

model: ## explore what can happen to the controller, state by state, deeper than the tests
	MODEL=deep $(CARGO) test --locked --release -p model-check

.PHONY: bench

bench: ## measure everything beside what one would write instead, into docs/PERFORMANCE.md
	sh scripts/bench.sh

.PHONY: model soak template package e2e-package release deploy watch invoke

template: ## check the SAM template, its example and what SAM makes of them
	sh scripts/template.sh

package: ## build a zip of each function for Lambda, for ARCH=x86_64 or arm64
	sh scripts/template-package.sh

e2e-package: package ## run the packaged functions under Lambda's runtime emulator
	sh scripts/e2e-package.sh

release: ## gather the files of a release, after `make package`
	sh scripts/release.sh

deploy: package ## build the functions and deploy them with SAM
	sh scripts/template-tools.sh template tests/template/requirements.txt
	target/tools/template/bin/sam deploy --guided --template-file target/lambda/template.yaml

# What a function needs to find the sandbox of `make sandbox`.
SANDBOX := AWS_ENDPOINT_URL=http://127.0.0.1:4599 AWS_REGION=us-east-1 \
	AWS_ACCESS_KEY_ID=sandbox AWS_SECRET_ACCESS_KEY=sandbox \
	RETRAIN_TABLE=retrain RETRAIN_POLICY_PATH=/retrain/policies \
	RETRAIN_MODEL_PACKAGES=arn:aws:sagemaker:us-east-1:111122223333:model-package
CARGO_LAMBDA := target/tools/cargo-lambda/bin/cargo-lambda lambda

watch: ## serve the functions on port 9010, against the sandbox of `make sandbox`
	@sh scripts/template-tools.sh cargo-lambda scripts/template-cargo-lambda.txt
	$(SANDBOX) $(CARGO_LAMBDA) watch --invoke-address 127.0.0.1 --invoke-port 9010

# The function is that of the sample's folder, unless FUNCTION says another.
EVENT ?= events/reconciler/scheduled-event.json
FUNCTION ?= $(notdir $(patsubst %/,%,$(dir $(EVENT))))

invoke: ## send EVENT=events/... to the functions of `make watch`
	@$(CARGO_LAMBDA) invoke --invoke-address 127.0.0.1 --invoke-port 9010 $(FUNCTION) --data-file $(EVENT)

clean: ## remove what was built
	$(CARGO) clean
