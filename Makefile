# The menu. `make run` and `make test` are all a newcomer needs.

KUBERNETES ?= 1.37
CARGO ?= cargo
ROLLCALL = $(CARGO) run --quiet --package rollcall-cli --
# How many scenarios run side by side; two clusters keep two cores busy.
PARALLEL ?= 1

.PHONY: help run test prepare image extras lint unit cluster conformance doubles agents validate-demo test-cgroup2 bench clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: prepare image ## every scenario on real clusters, and the roll call
	$(ROLLCALL) run --parallel $(PARALLEL) scenarios

test: prepare image lint unit cluster ## every test: style, units, and real clusters

prepare: ## installs and starts what is missing, or says what to install
	@scripts/prepare.sh

image: ## builds the node image and the probe agent, unless they are up to date
	@$(CARGO) run --quiet --package rollcall-image -- --kubernetes $(KUBERNETES)

extras: ## the node image with crictl and ctr, to look into nodes by hand
	@$(CARGO) run --quiet --package rollcall-image -- --kubernetes $(KUBERNETES) --extras

lint: ## formatting and lints, warnings denied
	$(CARGO) fmt --all --check
	$(CARGO) clippy --quiet --workspace --all-targets -- --deny warnings

unit: ## tests that need no cluster
	cd node/modules/registry && CGO_ENABLED=0 go test ./...
	cd tests/doubles/k3s && CGO_ENABLED=0 go test ./...
	$(CARGO) test --quiet --workspace --exclude rollcall-tests

# The whole workspace, as in `unit`, though that repeats some seconds: another selection of packages has other features,
# and would compile every dependency once more.
cluster: ## tests on real clusters
	ROLLCALL_CLUSTERS=required $(CARGO) test --workspace --tests -- --include-ignored

conformance: prepare image ## what every distro does alike, on each whose image is there
	ROLLCALL_CLUSTERS=required $(CARGO) test --workspace --test distro_box --test distro_k3s --test distro_kind -- --include-ignored

doubles: prepare image ## images that stand for rancher/k3s and kindest/node
	tests/doubles/k3s/build.sh
	tests/doubles/kind/build.sh

agents: prepare ## images of real agents, to validate
	tests/agents/node-exporter/build.sh

validate-demo: prepare image agents ## the scorecards of a real agent, and of one with each fault, some ten minutes
	@CARGO=$(CARGO) scripts/validate-demo.sh

test-cgroup2: prepare image ## a scenario under control groups of version 2, in a virtual machine
	@CARGO=$(CARGO) scripts/cgroup2/run.sh

bench: prepare image ## times and sizes, to the terminal and target/bench.json
	$(CARGO) build --quiet --release --package rollcall-bench --package rollcall-cli
	target/release/rollcall-bench

clean: ## removes every cluster of rollcall and what was built
	-$(ROLLCALL) clean --all
	$(CARGO) clean
