#!/usr/bin/env bash
# Lets the real `kind` command make a cluster of a control plane and a worker from the double, and says what it sees:
# the nodes Ready, a DaemonSet on both, storage that is given out, the lists, and that nothing is left at the end.
# Where the engine refuses `--privileged`, wrapper/docker stands in. Ends with 1 at the first step that fails.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=build/common.sh
source "$here/build/common.sh"
name=${NAME:-dbl-real}
folder=$(mktemp -d)
started=$SECONDS
# A network of its own: the usual one may be in use by clusters of the user.
export KIND_EXPERIMENTAL_DOCKER_NETWORK=$name
export PATH=$here/wrapper:$PATH

step() { printf '%4ds  %s\n' $((SECONDS - started)) "$1"; }
kind() { "$WORK/bin/kind" "$@"; }
kubectl() { "$WORK/bin/kubectl" --kubeconfig "$folder/kubeconfig" "$@"; }

cleanup() {
	kind delete cluster --quiet --name "$name" --kubeconfig "$folder/kubeconfig" >/dev/null 2>&1 || true
	docker network rm "$name" >/dev/null 2>&1 || true
	rm -rf "$folder"
}

# same WHAT SEEN WANTED
same() {
	[[ $2 == "$3" ]] || fail "$1: seen \`$2\`, wanted \`$3\`" "the image or kind's way with it has changed"
	step "$1: ${2//$'\n'/, }"
}

# until_same SECONDS WHAT WANTED COMMAND...: asks once a second.
until_same() {
	local end=$((SECONDS + $1)) what=$2 wanted=$3 seen=''
	shift 3
	until seen=$("$@" 2>&1) && [[ $seen == "$wanted" ]]; do
		((SECONDS < end)) || break
		sleep 1
	done
	same "$what" "$seen" "$wanted"
}

configuration() {
	cat <<-END
		apiVersion: kind.x-k8s.io/v1alpha4
		kind: Cluster
		nodes:
		- {role: control-plane}
		- {role: worker}
		kubeadmConfigPatches:
		# kind itself does not say it, and without it a kubelet from 1.35 on does not start on control groups of version 1.
		- |
		  kind: KubeletConfiguration
		  failCgroupV1: false
	END
}

workload() {
	cat <<-END
		apiVersion: apps/v1
		kind: DaemonSet
		metadata: {name: probe}
		spec:
		  selector: {matchLabels: {app: probe}}
		  template:
		    metadata: {labels: {app: probe}}
		    spec:
		      tolerations: [{operator: Exists}]
		      containers: [{name: probe, image: "registry.k8s.io/pause:3.10"}]
		---
		apiVersion: v1
		kind: PersistentVolumeClaim
		metadata: {name: data}
		spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}
		---
		apiVersion: v1
		kind: Pod
		metadata: {name: writer}
		spec:
		  volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
		  containers: [{name: writer, image: "registry.k8s.io/pause:3.10", volumeMounts: [{name: data, mountPath: /data}]}]
	END
}

docker image inspect "$IMAGE" >/dev/null 2>&1 || fail "there is no image \`$IMAGE\`" "\`tests/doubles/kind/build.sh\` builds it"
[[ -x $WORK/bin/kind ]] || fail "there is no $WORK/bin/kind" "remove the image \`$IMAGE\` and run \`tests/doubles/kind/build.sh\`"
trap cleanup EXIT
step "$(kind version)"
configuration >"$folder/cluster.yaml"
kind create cluster --name "$name" --image "$IMAGE" --config "$folder/cluster.yaml" --kubeconfig "$folder/kubeconfig" --wait 120s --retain 2>&1 | sed 's/^/       /' ||
	{ docker exec "$name-control-plane" journalctl -u kubelet --no-pager -n 20 || true; fail "\`kind create cluster\` failed" "its words and the kubelet's last are above"; }
step "the cluster is made"
same "kind get clusters" "$(kind get clusters | grep -x "$name" || true)" "$name"
same "kind get nodes" "$(kind get nodes --name "$name" | sort)" "$name-control-plane"$'\n'"$name-worker"
until_same 60 "nodes Ready" "True True" kubectl get nodes -o 'jsonpath={.items[*].status.conditions[?(@.type=="Ready")].status}'
workload | kubectl create -f - >/dev/null
until_same 60 "DaemonSet pods ready" 2 kubectl get daemonset probe -o 'jsonpath={.status.numberReady}'
until_same 60 "claim of the default storage class" Bound kubectl get pvc data -o 'jsonpath={.status.phase}'
until_same 60 "pod with storage" Running kubectl get pod writer -o 'jsonpath={.status.phase}'
until_same 60 "DNS pods ready" 2 kubectl -n kube-system get deployment coredns -o 'jsonpath={.status.readyReplicas}'
kind export logs --name "$name" "$folder/logs" >/dev/null 2>&1 || fail "\`kind export logs\` failed" "run it by hand with --retain"
same "kubelet logs exported" "$(find "$folder/logs" -name kubelet.log -size +0 | wc -l)" 2
kind delete cluster --name "$name" --kubeconfig "$folder/kubeconfig" 2>&1 | sed 's/^/       /'
same "containers left" "$(docker ps -aq --filter "label=io.x-k8s.kind.cluster=$name" | wc -l)" 0
