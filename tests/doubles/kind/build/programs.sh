# Everything that is compiled. Sourced by build.sh.
# shellcheck shell=bash

# As the node image is compiled, so that what the two have in common is compiled once.
readonly GO_FLAGS=(-trimpath -gcflags=all=-dwarf=false)

# program MODULE VALUES PACKAGES...: builds into $WORK/bin.
program() {
	local module=$1 values=$2
	shift 2
	go_in "$module" build "${GO_FLAGS[@]}" -ldflags "-s -w $values" -o "$WORK/bin/" "$@"
}

# make_programs: compiles what the node image does not have.
make_programs() {
	local minor version=k8s.io/component-base/version modules=$ROOT/node/modules storage
	minor=${KUBERNETES#v1.}
	storage=$(required github.com/rancher/local-path-provisioner "$HERE/storage/go.mod")
	mkdir -p "$WORK/bin"
	say "compiling kubeadm, kubectl, crictl, ctr, kind and the add-ons"
	program "$HERE/programs" "-X $version.gitVersion=$KUBERNETES -X $version.gitMajor=1 -X $version.gitMinor=${minor%%.*} -X $version.gitTreeState=clean" \
		k8s.io/kubernetes/cmd/kubeadm k8s.io/kubernetes/cmd/kubectl
	program "$HERE/programs" "" ./kindnet
	program "$modules/tools" "-X sigs.k8s.io/cri-tools/pkg/version.Version=$(required sigs.k8s.io/cri-tools "$modules/tools/go.mod")" sigs.k8s.io/cri-tools/cmd/crictl
	program "$modules/containerd" "" github.com/containerd/containerd/v2/cmd/ctr
	program "$HERE/kindcli" "" sigs.k8s.io/kind
	program "$HERE/storage" "-X main.VERSION=$storage" github.com/rancher/local-path-provisioner
	program "$HERE/snapshotter" "" github.com/containerd/fuse-overlayfs-snapshotter/v2/cmd/containerd-fuse-overlayfs-grpc
}

# take_from_node_image: the programs that the node image has already, into $WORK/node.
take_from_node_image() {
	local container
	say "taking programs out of $NODE_IMAGE"
	rm -rf "$WORK/node"
	mkdir -p "$WORK/node"
	container=$(docker create "$NODE_IMAGE")
	docker export "$container" | tar -x -C "$WORK/node" usr/local/bin usr/local/share/rollcall usr/sbin/runc opt/cni/bin
	docker rm "$container" >/dev/null
}
