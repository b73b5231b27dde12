#!/usr/bin/env bash
# The scorecards of an agent that may be released, and of one with each fault, which has to fail exactly the gate that is
# for it. `validate-demo.sh FAULT` shows that one alone.
set -euo pipefail

cargo=${CARGO:-cargo}
only=${1:-}
cd "$(dirname "${BASH_SOURCE[0]}")/.."
readonly cargo only

# The fault, the flags that it takes to show, and the gate.
readonly faults='
ignore-sigterm              -                   stops
allocate=44Mi               -                   resources
burn-cpu=1                  -                   resources
on-node=joiner:exit-code=3  --ready-within=20s  node-joins
crash-after=45s             --soak=60s          soak
exit-code=0                 --ready-within=20s  comes-up
not-ready-after=0s          --ready-within=20s  comes-up
slow-start=1m               --ready-within=20s  comes-up
'

work=$(mktemp -d)
readonly work
trap 'rm -rf "$work"' EXIT

rollcall() { "$cargo" run --quiet --package rollcall-cli -- "$@"; }

# demo FAULT FLAG GATE
demo() {
	local code=0 flags=() failed
	[[ $2 == - ]] || flags=("$2")
	printf '\n== The probe agent with %s: it has to fail gate %s, and no other\n' "$1" "$3"
	sed "s|value: ignore-sigterm|value: $1|" tests/agents/faulty.yaml >"$work/faulty.yaml"
	rollcall validate rollcall/agent:2 --manifest "$work/faulty.yaml" --from rollcall/agent:1 --no-evidence \
		"${flags[@]}" >"$work/card" || code=$?
	cat "$work/card"
	# The lines of the table; those that are told meanwhile have a colon after the gate.
	failed=$(awk '$2 == "failed" && $1 !~ /:$/ { print $1 }' "$work/card")
	if [[ $code != 5 || $failed != "$3" ]]; then
		printf 'error: exit code %s and failed gates "%s", and 5 and "%s" are expected\n' "$code" "$failed" "$3" >&2
		exit 1
	fi
}

if [[ -z $only ]]; then
	printf '== Prometheus node_exporter, as it is usually deployed\n'
	rollcall validate rollcall/node-exporter:v1.12.1 --image-name quay.io/prometheus/node-exporter \
		--manifest tests/agents/node-exporter/daemonset.yaml --from rollcall/node-exporter:v1.12.1
fi
shown=0
while read -r fault flag gate; do
	[[ -n $fault && $fault == "$only"* ]] || continue
	demo "$fault" "$flag" "$gate"
	shown=$((shown + 1))
done <<<"$faults"
if [[ $shown == 0 ]]; then
	printf 'error: there is no fault that begins with "%s": they are%s' "$only" "$faults" >&2
	exit 2
fi
