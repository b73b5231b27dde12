#!/usr/bin/env bash
# The scorecards of an agent that may be released and of one that may not.
set -euo pipefail

cargo=${CARGO:-cargo}
cd "$(dirname "${BASH_SOURCE[0]}")/.."
readonly cargo

rollcall() { "$cargo" run --quiet --package rollcall-cli -- "$@"; }

printf '== Prometheus node_exporter, as it is usually deployed\n'
rollcall validate rollcall/node-exporter:v1.12.1 --image-name quay.io/prometheus/node-exporter \
	--manifest tests/agents/node-exporter/daemonset.yaml --from rollcall/node-exporter:v1.12.1

printf '\n== The probe agent, made to ignore SIGTERM: it has to fail gate stops, and no other\n'
code=0
rollcall validate rollcall/agent:2 --manifest tests/agents/ignores-sigterm.yaml --from rollcall/agent:1 || code=$?
if [[ $code != 5 ]]; then
	printf 'error: exit code %s, and 5 is expected of an agent that fails a gate\n' "$code" >&2
	exit 1
fi
