# kind's base image, by kind's own Dockerfile. Sourced by build.sh.
# shellcheck shell=bash

# own_dockerfile DOCKERFILE: the Dockerfile with its downloading and compiling stages replaced by one image that has
# their results, and without what the classic builder does not know: modes are set in the context instead.
own_dockerfile() {
	awk '
		/^ARG BASE_IMAGE=/ { print; print "ARG PROGRAMS"; next }
		/^FROM / { skip = 0 }
		/^FROM .* AS go-build$/ { skip = 1 }
		/^FROM go-build AS / { print "FROM $PROGRAMS AS " $NF; skip = 1; print "LABEL rollcall.double=kind" }
		!skip { gsub(/--chmod=[0-9]+ /, ""); print }
		!skip && /^FROM / { print "LABEL rollcall.double=kind" }
	' "$1"
}

# check_dockerfile FILE: a newer kind may build otherwise.
check_dockerfile() {
	local left
	if left=$(grep -nE 'git clone|gimme|--chmod|--platform' "$1"); then
		fail "what is left of kind's Dockerfile still downloads or needs another builder: $left" "change own_dockerfile() in build/base.sh with it"
	fi
	[[ $(grep -c '^FROM .PROGRAMS AS build-' "$1") -ge 5 ]] || fail "kind's Dockerfile has fewer stages that compile than it had" "compare it with build/base.sh"
}

# make_base SOURCE INPUTS: builds $BASE_IMAGE from kind's sources, with the label that the final image inherits.
make_base() {
	local source=$1 context=$WORK/context stages=$WORK/stages
	say "building kind's base image"
	docker import "$WORK/rootfs-$SUITE.tar" "$BASE_IMAGE-debian" >/dev/null

	rm -rf "$context" "$stages"
	mkdir -p "$context" "$stages"/{containerd/bin,runc,cri-tools/build,cni-plugins/bin,fuse-overlayfs-snapshotter/bin,_LICENSES/none}
	cp "$WORK"/node/usr/local/bin/containerd{,-shim-runc-v2} "$WORK/bin/ctr" "$stages/containerd/bin/"
	cp "$WORK/node/usr/sbin/runc" "$stages/runc/"
	cp "$WORK/bin/crictl" "$stages/cri-tools/build/"
	cp "$WORK"/node/opt/cni/bin/* "$stages/cni-plugins/bin/"
	cp "$WORK/bin/containerd-fuse-overlayfs-grpc" "$stages/fuse-overlayfs-snapshotter/bin/"
	touch "$stages/_LICENSES/none/none"
	tar -c -C "$stages" --owner=0 --group=0 --mtime=@0 --sort=name . | docker import - "$BASE_IMAGE-programs" >/dev/null

	cp -r "$source/images/base/files" "$context/"
	# A module's files come without the modes that the builder would have to be told.
	find "$context" -type d -exec chmod 0755 {} +
	find "$context" -type f -exec chmod 0644 {} +
	chmod 0755 "$context"/files/kind/bin/* "$context"/files/usr/local/bin/*
	# The packages are there already; this says so if they are not.
	printf '#!/bin/sh\nexec dpkg-query --show "$@"\n' >"$context/files/usr/local/bin/clean-install"
	own_dockerfile "$source/images/base/Dockerfile" >"$context/Dockerfile"
	check_dockerfile "$context/Dockerfile"
	DOCKER_BUILDKIT=0 docker build --quiet --network none --label "rollcall.inputs=$2" \
		--build-arg "BASE_IMAGE=$BASE_IMAGE-debian" --build-arg "PROGRAMS=$BASE_IMAGE-programs" \
		--tag "$BASE_IMAGE" "$context" >"$WORK/base.log" 2>&1 || {
		tail -n 20 "$WORK/base.log" >&2
		fail "kind's base image was not built" "the lines above are the last of $WORK/base.log"
	}
}
