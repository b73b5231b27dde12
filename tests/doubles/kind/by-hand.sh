#!/usr/bin/env bash
# Makes a cluster of a control plane and a worker from the double with `docker` and `kubeadm` alone, by the same steps
# as rollcall's distro `kind`, and runs a DaemonSet on both nodes. Says each step with its seconds, and ends with 1 at
# the first that fails. The cluster is removed unless KEEP=1.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=build/common.sh
source "$here/build/common.sh"
docker=$here/wrapper/docker
name=${NAME:-dbl-kind}
prefix=${PREFIX:-10.231.0}
nodes=("$name-control-plane" "$name-worker")
started=$SECONDS

step() { printf '%4ds  %s\n' $((SECONDS - started)) "$1"; }

cleanup() {
	[[ ${KEEP:-} != 1 ]] || return 0
	docker rm -fv "${nodes[@]}" >/dev/null 2>&1 || true
	docker network rm "$name" >/dev/null 2>&1 || true
}

# until_true SECONDS WHAT COMMAND...: tries once a second; at the end says what was seen.
until_true() {
	local limit=$1 what=$2 end seen
	shift 2
	end=$((SECONDS + limit))
	until seen=$("$@" 2>&1); do
		((SECONDS < end)) || fail "$what, not within ${limit}s; seen: $seen" "KEEP=1 leaves the nodes; look with \`docker exec ${nodes[0]} journalctl -u kubelet\`"
		sleep 1
	done
	step "$what"
}

kubectl() { docker exec -i "${nodes[0]}" kubectl --kubeconfig=/etc/kubernetes/admin.conf "$@"; }

# start NODE ADDRESS ROLE: mounts and options as kind gives them.
start() {
	"$docker" run --name "$1" --hostname "$1" --label "io.x-k8s.kind.role=$3" --label "io.x-k8s.kind.cluster=$name" --privileged \
		--security-opt seccomp=unconfined --security-opt apparmor=unconfined \
		--tmpfs /tmp --tmpfs /run --volume /var --volume /lib/modules:/lib/modules:ro \
		--detach --tty --net "$name" --ip "$2" --dns 127.0.0.1 --init=false --cgroupns=private "$IMAGE" >/dev/null
}

up() { docker logs "$1" 2>&1 | grep -qE 'Reached target .*Multi-User System|detected cgroup v1'; }

registration() {
	cat <<-END
		nodeRegistration:
		  name: $1
		  criSocket: unix:///run/containerd/containerd.sock
		  taints: []
		  kubeletExtraArgs:
		  - {name: node-ip, value: $2}
		  - {name: provider-id, value: kind://docker/$name/$1}
	END
}

init_configuration() {
	cat <<-END
		apiVersion: kubeadm.k8s.io/v1beta4
		kind: ClusterConfiguration
		kubernetesVersion: $1
		clusterName: $name
		controlPlaneEndpoint: $prefix.10:6443
		apiServer: {certSANs: [localhost, 127.0.0.1]}
		etcd: {local: {extraArgs: [{name: unsafe-no-fsync, value: "true"}]}}
		networking: {podSubnet: 10.244.0.0/16, serviceSubnet: 10.96.0.0/16}
		---
		apiVersion: kubeadm.k8s.io/v1beta4
		kind: InitConfiguration
		bootstrapTokens: [{token: abcdef.0123456789abcdef, ttl: 0s}]
		localAPIEndpoint: {advertiseAddress: $prefix.10, bindPort: 6443}
		$(registration "${nodes[0]}" "$prefix.10")
		---
		apiVersion: kubelet.config.k8s.io/v1beta1
		kind: KubeletConfiguration
		cgroupDriver: systemd
		cgroupRoot: /kubelet
		failCgroupV1: false
		failSwapOn: false
		localStorageCapacityIsolation: false
		evictionHard: {memory.available: 0%, nodefs.available: 0%, nodefs.inodesFree: 0%, imagefs.available: 0%}
		imageGCHighThresholdPercent: 100
		clusterDNS: [10.96.0.10]
		---
		apiVersion: kubeproxy.config.k8s.io/v1alpha1
		kind: KubeProxyConfiguration
		mode: iptables
		iptables: {minSyncPeriod: 1s}
		conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
	END
}

join_configuration() {
	cat <<-END
		apiVersion: kubeadm.k8s.io/v1beta4
		kind: JoinConfiguration
		$(registration "${nodes[1]}" "$prefix.11")
		discovery:
		  bootstrapToken:
		    apiServerEndpoint: $prefix.10:6443
		    token: abcdef.0123456789abcdef
		    unsafeSkipCAVerification: true
	END
}

# kubeadm NODE ACTION: the configuration comes on standard input.
kubeadm() {
	docker exec -i "$1" cp /dev/stdin /kind/kubeadm.conf
	docker exec "$1" kubeadm "$2" --config=/kind/kubeadm.conf --skip-phases=preflight >"$WORK/$1.log" 2>&1 || {
		tail -n 30 "$WORK/$1.log" >&2
		fail "\`kubeadm $2\` on $1 failed" "the lines above are the last of $WORK/$1.log"
	}
	step "kubeadm $2 on $1"
}

daemon_set() {
	cat <<-END
		apiVersion: apps/v1
		kind: DaemonSet
		metadata: {name: probe}
		spec:
		  selector: {matchLabels: {app: probe}}
		  template:
		    metadata: {labels: {app: probe}}
		    spec:
		      containers: [{name: probe, image: "registry.k8s.io/pause:3.10"}]
	END
}

all_ready() { [[ $(kubectl get nodes --no-headers | awk '$2 == "Ready"' | wc -l) == 2 ]] || { kubectl get nodes && false; }; }
runs_on_both() { [[ $(kubectl get daemonset probe -o 'jsonpath={.status.numberReady}') == 2 ]] || { kubectl get pods -o wide && false; }; }
dns_ready() { [[ $(kubectl -n kube-system get deployment coredns -o 'jsonpath={.status.readyReplicas}') == 2 ]] || { kubectl -n kube-system get pods -o wide && false; }; }

docker image inspect "$IMAGE" >/dev/null 2>&1 || fail "there is no image \`$IMAGE\`" "\`tests/doubles/kind/build.sh\` builds it"
trap cleanup EXIT
docker network create --subnet "$prefix.0/24" "$name" >/dev/null
start "${nodes[0]}" "$prefix.10" control-plane
start "${nodes[1]}" "$prefix.11" worker
for node in "${nodes[@]}"; do
	until_true 30 "$node takes commands" up "$node"
	# Until kube-proxy has written its rules, what is sent to a Service would follow the default route out.
	docker exec "$node" sh -c "ip link add services type bridge && ip link set services up && ip route add 10.96.0.0/16 dev services"
done
version=$(docker exec "${nodes[0]}" cat /kind/version)
[[ $version == "$KUBERNETES" ]] || fail "/kind/version says \`$version\`, the image is of $KUBERNETES" "\`kind build node-image\` took the version of another release archive"
step "/kind/version says $version"
init_configuration "$version" | kubeadm "${nodes[0]}" init
docker exec "${nodes[0]}" cat /kind/manifests/default-cni.yaml | sed 's|{{ .PodSubnet }}|10.244.0.0/16|' | kubectl create -f - >/dev/null
docker exec "${nodes[0]}" cat /kind/manifests/default-storage.yaml | kubectl create -f - >/dev/null
step "network and storage are there"
join_configuration | kubeadm "${nodes[1]}" join
until_true 90 "both nodes are Ready" all_ready
daemon_set | kubectl create -f - >/dev/null
until_true 60 "the DaemonSet runs on both" runs_on_both
until_true 60 "DNS is ready" dns_ready
kubectl get nodes,storageclass,pods -A -o wide
