# The front door. No logic here: every target is one or a few commands that can be typed by hand.

.DEFAULT_GOAL := help
# Compile the command, or the lab that starts it, say so where that takes time, and become it.
TESTKIT := ./launch testkit
LAB := ./launch lab
NEXTEST := cargo nextest run
# Options, steps and journeys are modules that a macro declares, which the formatter does not follow.
FMT := cargo fmt --all
OPTIONS := suites/src/options/*.rs suites/src/steps/*.rs suites/src/journeys/*.rs
WORKFLOW_TOOLS := target/workflow-tools
BROWSER_TOOLS := target/browser-tools
BOOK_TOOLS := target/book-tools
MDBOOK := 0.5.4

# What to run or show: a tier (core, pairwise, t3, full, microcloud), or cells by name.
TIER ?= core
CELLS ?=
# The run to report, by its id or how it begins; the latest when empty.
RUN ?=
# More for `testkit run`, or for the runner of `make check`: ARGS="-E 'not binary(/^host/)'" leaves out what a host with
# LXD as a snap cannot. Likewise the tests of `make check-lxd`.
ARGS ?=
REAL ?= binary(/real/)
# How many runs `make storm` attacks; how many clusters `make faults` forms, and how often it plays all journeys, without
# faults.
N ?= 200
CLEAN ?= 50
CLEAN_LIFE ?= 3
# For how long each parser is fuzzed.
SECONDS ?= 60
FUZZ_TARGETS ?= ovsdb_json lxd_envelope dialog_stream snap_yaml appctl
FUZZ := target/fuzz
FUZZ_TOOLS := target/fuzz-tools
CARGO_FUZZ := 0.13.2
# How to show it, and for `github` over how many jobs.
FORMAT ?= table
JOBS ?= 4

.PHONY: help setup teardown image plan generate summary report book dist dist-deb fmt check check-lint check-workflows check-unit check-lxd \
	check-system check-host check-incus check-cluster browser-tools faults fuzz storm bench bench-life bench-scale compare bench-matrix clean

help: ## Show this help
	@grep -E '^[a-z/%-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: ## Prepare this host: packages, LXD, and the framework's own project, pool and bridge
	@$(TESTKIT) setup

teardown: ## Remove everything setup and any run made, and nothing else
	@$(TESTKIT) teardown

image: ## Build the node image, the snaps and the golden image
	@$(TESTKIT) image build

plan: ## Show the cells of a TIER, as FORMAT: table, json, github or markdown
	@$(TESTKIT) plan --tier $(TIER) --format $(FORMAT) --jobs $(JOBS)

generate: ## Write the lists of suites that the matrix gives, and the page about MicroOVN's own
	@$(TESTKIT) generate

summary: ## The results of the last run as Markdown
	@$(TESTKIT) summary

report: ## The report of the last run, one HTML file; or of RUN
	@$(TESTKIT) report $(RUN)

# No part of `check`: mdBook takes minutes to compile, and what a page can get wrong is found by the tests of suites::docs.
book: $(BOOK_TOOLS)/mdbook-$(MDBOOK) ## The documentation as a book, in target/book
	$(BOOK_TOOLS)/bin/mdbook build docs

$(BOOK_TOOLS)/mdbook-$(MDBOOK):
	cargo install mdbook --version $(MDBOOK) --locked --no-default-features --features search --quiet --root $(BOOK_TOOLS)
	touch $@

dist: ## Pack the tests for machines without a compiler, in target/archive
	@$(TESTKIT) dist $(ARGS)

dist-deb: ## The same, and a Debian package of it
	@$(TESTKIT) dist --deb $(ARGS)

fmt: ## Format everything
	$(FMT) -- $(OPTIONS)

# The fuzz targets have a lock file of their own, which goes stale when the library gets another dependency.
check-lint: ## Formatting, clippy with warnings denied, documentation
	$(FMT) --check -- $(OPTIONS)
	cargo clippy --workspace --all-targets --locked -- -D warnings
	cargo fetch --quiet --locked --manifest-path testkit/fuzz/Cargo.toml
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --quiet

check-workflows: $(WORKFLOW_TOOLS)/installed ## The workflows, by GitHub's schema and a security linter
	$(WORKFLOW_TOOLS)/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml \
		docs/how-to/microovn-workflow.yml
	$(WORKFLOW_TOOLS)/bin/check-jsonschema --builtin-schema vendor.github-actions action.yml
	$(WORKFLOW_TOOLS)/bin/zizmor --offline --quiet --pedantic .github/workflows action.yml docs/how-to/microovn-workflow.yml

$(WORKFLOW_TOOLS)/installed: .github/requirements.txt
	python3 -m venv --clear $(WORKFLOW_TOOLS)
	$(WORKFLOW_TOOLS)/bin/pip install --quiet --disable-pip-version-check --requirement .github/requirements.txt
	touch $@

browser-tools: $(BROWSER_TOOLS)/installed ## What the tests of the report need: a Chromium, and axe-core
	@$(TESTKIT) setup --browser

$(BROWSER_TOOLS)/installed: testkit/tests/report_browser/requirements.txt
	python3 -m venv --clear $(BROWSER_TOOLS)
	$(BROWSER_TOOLS)/bin/pip install --quiet --disable-pip-version-check --no-deps --requirement $<
	touch $@

check-unit: browser-tools ## Tests that need no LXD
	cargo test --workspace --doc --locked --quiet
	@$(NEXTEST) --workspace --locked -E 'not (binary_id(suites::init) | binary(/real/))'

check-lxd: setup image ## Tests of the LXD client, the images, the host setup and the cleaning up, on LXD
	@$(NEXTEST) --workspace --locked -E '$(REAL)'; status=$$?; $(TESTKIT) sweep --wait --quiet && exit $$status

check-system: setup image ## Prepare whatever is missing, then run the suites of a TIER, or those of CELLS
	@$(TESTKIT) run $(or $(CELLS),--tier $(TIER)) $(ARGS); status=$$?; $(TESTKIT) sweep --wait --quiet && exit $$status

# As the targets of MicroOVN's own suites are called, with or without their `.bats`.
tests/%: setup image ## What holds the tests of this suite of MicroOVN's own: tests/tls_cluster.bats
	@$(TESTKIT) run --upstream $* $(ARGS); status=$$?; $(TESTKIT) sweep --wait --quiet && exit $$status

# Half an hour and more: what it boots has one slow processor. No part of `check`, and it needs no LXD here.
check-host: ## Try the framework as an ordinary user of a host with AppArmor, booted as a process; results in target/lab
	@$(LAB) host $(ARGS)

# No part of `check`: it runs the core suites once more.
check-incus: ## Start an Incus beside LXD, as root, and run the core suites on it; results in target/lab
	@$(LAB) incus $(ARGS)

# Minutes to an hour, by the tier; it needs an LXD that is no snap, and starts its own.
check-cluster: ## Try the framework on an LXD cluster of three daemons on this machine, one of which is killed; results in target/lab
	@$(LAB) cluster $(ARGS)

check: check-lint check-workflows browser-tools setup image ## Everything: lint, unit tests, the client and the core suites on LXD
	cargo test --workspace --doc --locked --quiet
	@$(NEXTEST) --workspace --locked $(ARGS); status=$$?; $(TESTKIT) sweep --wait --quiet && exit $$status

faults: setup image ## Try every fault the stand-in can play, then clean clusters and journeys; results in target/lab
	@$(LAB) faults --clean $(CLEAN) --clean-life $(CLEAN_LIFE) $(ARGS)

fuzz: $(FUZZ_TOOLS)/cargo-fuzz-$(CARGO_FUZZ) ## Fuzz each parser of what others write for SECONDS; needs a nightly compiler
	$(LAB) seeds $(FUZZ)/seeds
	@set -e; for parser in $(FUZZ_TARGETS); do mkdir -p $(FUZZ)/found/$$parser; \
		RUSTUP_TOOLCHAIN=nightly $(FUZZ_TOOLS)/bin/cargo-fuzz run --fuzz-dir testkit/fuzz \
		$$parser $(FUZZ)/found/$$parser $(FUZZ)/seeds/$$parser -- \
		-max_total_time=$(SECONDS) -max_len=16384 -rss_limit_mb=1024 -timeout=10 -print_final_stats=1; done

$(FUZZ_TOOLS)/cargo-fuzz-$(CARGO_FUZZ):
	cargo install cargo-fuzz --version $(CARGO_FUZZ) --locked --quiet --root $(FUZZ_TOOLS)
	touch $@

storm: setup image ## Kill N runs at random moments in every way, and look for leaks; results in target/lab
	@$(LAB) storm --kills $(N) $(ARGS)

bench: setup image ## Where the time of a run goes, stage by stage; results in target/lab
	@$(LAB) bench $(ARGS)

bench-life: setup image ## What the journeys take, of how much the framework; results in target/lab
	@$(LAB) bench --life $(ARGS)

bench-scale: setup image ## How time and memory grow with cells and members; results in target/lab
	@$(LAB) bench --scale $(ARGS)

compare: setup image ## The core suites beside a shell script that does the same by hand; results in target/lab
	@$(LAB) compare $(ARGS)

bench-matrix: ## How small covering arrays are, beside published sizes, and how long they take
	@cargo bench --quiet --package testkit --bench matrix --locked

clean: ## Remove build products and records of runs
	cargo clean
