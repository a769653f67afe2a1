# The front door. No logic here: every target is one or a few commands that can be typed by hand.

.DEFAULT_GOAL := help
TESTKIT := cargo run --quiet --package suites --bin testkit --
NEXTEST := cargo nextest run
# More for the runner of `make check`: ARGS="-E 'not binary(host_real)'" leaves out what a host with LXD as a snap cannot.
ARGS :=

.PHONY: help setup teardown image check check-lint check-unit check-system bench bench-matrix clean

help: ## Show this help
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: ## Prepare this host: packages, LXD, and the framework's own project, pool and bridge
	@$(TESTKIT) setup

teardown: ## Remove everything setup and any run made, and nothing else
	@$(TESTKIT) teardown

image: ## Build the node image, the snaps and the golden image
	@$(TESTKIT) image build

check-lint: ## Formatting, clippy with warnings denied, documentation
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --quiet

check-unit: ## Tests that need no LXD
	@$(NEXTEST) --workspace --locked -E 'not (binary_id(suites::init) | binary(/real/))'

check-system: setup image ## Prepare whatever is missing, then run every suite on LXD
	@$(NEXTEST) --package suites --locked -E 'binary_id(suites::init)'; status=$$?; $(TESTKIT) sweep --wait --quiet && exit $$status

check: check-lint setup image ## Everything: lint, unit tests, the client and the suites on LXD
	cargo test --workspace --doc --locked --quiet
	@$(NEXTEST) --workspace --locked $(ARGS); status=$$?; $(TESTKIT) sweep --wait --quiet && exit $$status

bench: setup image ## Where the time of a run goes
	@$(TESTKIT) bench

bench-matrix: ## How small covering arrays are, beside published sizes, and how long they take
	@cargo bench --quiet --package testkit --bench matrix --locked

clean: ## Remove build products and records of runs
	cargo clean
