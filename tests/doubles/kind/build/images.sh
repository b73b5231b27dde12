# The images that a node runs, as a release of Kubernetes brings them. Sourced by build.sh.
# shellcheck shell=bash

# stage_programs FOLDER FILES...: programs and modules of the Debian tree, with the libraries they load.
stage_programs() {
	local to=$1 rootfs=$WORK/rootfs-$SUITE file
	shift
	mkdir -p "$to"/usr/{bin,sbin,lib,lib64} "$to/tmp"
	chmod 1777 "$to/tmp"
	ln -sfn usr/bin "$to/bin"
	ln -sfn usr/sbin "$to/sbin"
	ln -sfn usr/lib "$to/lib"
	ln -sfn usr/lib64 "$to/lib64"
	{
		printf '%s\n' "$@"
		chroot "$rootfs" ldd "$@" | grep -oE '(=> |^\s)/[^ ]+' | grep -oE '/.*'
	} | sed -E 's#^/(lib|lib64|bin|sbin)/#/usr/\1/#' | sort -u | while read -r file; do
		mkdir -p "$to$(dirname "$file")"
		cp -L "$rootfs$file" "$to$file"
	done
}

# layer NAME: packs $STAGE/NAME and notes the digest of its plain content, by which a configuration names it.
layer() {
	tar -c -C "$STAGE/$1" --owner=0 --group=0 --numeric-owner --mtime=@0 --sort=name . >"$STAGE/$1.tar"
	sha256sum "$STAGE/$1.tar" | cut -d' ' -f1 >"$STAGE/$1.diff"
	# Compressed as published images are: what lies in the content store is copied for each node that starts.
	gzip --no-name --force "$STAGE/$1.tar"
}

# image TAG CONFIG LAYERS...: adds one image to the archive that ARCHIVE names, made by archive() below.
image() {
	local tag=$1 config=$2 name diffs=() files=()
	shift 2
	for name in "$@"; do
		diffs+=("sha256:$(cat "$STAGE/$name.diff")")
		files+=("$name.tar.gz")
		ln -f "$STAGE/$name.tar.gz" "$ARCHIVE/$name.tar.gz"
	done
	name=${tag//[^a-z0-9.]/_}.json
	jq -n --argjson config "$config" --arg architecture "$(dpkg --print-architecture)" \
		'{architecture: $architecture, os: "linux", created: "1970-01-01T00:00:00Z", config: $config,
		  rootfs: {type: "layers", diff_ids: $ARGS.positional}}' --args "${diffs[@]}" >"$ARCHIVE/$name"
	jq -n --arg config "$name" --arg tag "$tag" '{Config: $config, RepoTags: [$tag], Layers: $ARGS.positional}' \
		--args "${files[@]}" >>"$ARCHIVE/entries"
}

# archive FILE: packs what was added. `repositories` comes first: from it kind learns every tag of an archive, from
# the manifest only those of its first image.
archive() {
	jq -s . "$ARCHIVE/entries" >"$ARCHIVE/manifest.json"
	jq '[.[].RepoTags[] | capture("^(?<name>.*):(?<tag>[^:]*)$")] | map({(.name): {(.tag): "0"}}) | add' "$ARCHIVE/manifest.json" >"$ARCHIVE/repositories"
	rm "$ARCHIVE/entries"
	(cd "$ARCHIVE" && find . -mindepth 1 ! -name repositories -printf "%P\n" | sort |
		tar -c --owner=0 --group=0 --mtime=@0 -f "$1" --no-recursion repositories -T -)
	rm -rf "$ARCHIVE"
	mkdir "$ARCHIVE"
}

# constant SOURCE FILE NAME: a constant of kind's build, such as the name of its network image.
constant() {
	local value
	value=$(sed -nE "s/^const $3 = \"(.*)\"\$/\1/p" "$1/pkg/build/nodeimage/$2")
	[[ -n $value ]] || fail "kind's $2 has no constant \`$3\`" "kind's build has changed; change build/images.sh with it"
	printf '%s' "$value"
}

# make_layers: one folder each in $STAGE, then packed.
make_layers() {
	local name modules
	mkdir -p "$STAGE"/{kubernetes,etcd,coredns,kindnet,storage}/usr/local/bin "$STAGE/pause"
	cp "$WORK/node/usr/local/bin/kubernetes" "$STAGE/kubernetes/usr/local/bin/"
	for name in kube-apiserver kube-controller-manager kube-scheduler kube-proxy; do
		ln -s kubernetes "$STAGE/kubernetes/usr/local/bin/$name"
	done
	cp "$WORK/node/usr/local/bin/etcd" "$STAGE/etcd/usr/local/bin/"
	cp "$WORK/node/usr/local/bin/addons" "$STAGE/coredns/usr/local/bin/coredns"
	cp "$WORK/bin/kindnet" "$STAGE/kindnet/usr/local/bin/"
	cp "$WORK/bin/local-path-provisioner" "$STAGE/storage/usr/local/bin/"
	tar -xOf "$WORK/node/usr/local/share/rollcall/pause.tar" --wildcards '*.tar' | tar -x -C "$STAGE/pause"

	stage_programs "$STAGE/shell" /bin/bash /bin/rm /bin/mkdir
	mv "$STAGE/shell/usr/bin/bash" "$STAGE/shell/usr/bin/sh"
	mapfile -t modules < <(cd "$WORK/rootfs-$SUITE" && printf '/%s\n' usr/lib/*/xtables/*.so)
	stage_programs "$STAGE/netfilter" /usr/sbin/xtables-nft-multi /usr/sbin/xtables-legacy-multi /usr/sbin/nft /usr/sbin/conntrack /bin/ip "${modules[@]}"
	for name in {ip,ip6}tables{,-save,-restore}; do
		ln -s xtables-nft-multi "$STAGE/netfilter/usr/sbin/$name"
	done
	for name in kubernetes etcd coredns kindnet storage pause shell netfilter; do
		layer "$name"
	done
}

# make_release SOURCE: $WORK/release.tar.gz, laid out like the server archive of a Kubernetes release. The archive of
# kube-proxy has the images beside Kubernetes too, so that kind has nothing to pull.
make_release() {
	local source=$1 release=$WORK/release name tag
	local path='"Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]'
	STAGE=$WORK/layers ARCHIVE=$WORK/archive
	say "packing the images that nodes run"
	rm -rf "$STAGE" "$ARCHIVE" "$release"
	mkdir -p "$STAGE" "$ARCHIVE" "$release/kubernetes/server/bin"
	make_layers

	for name in kube-apiserver kube-controller-manager kube-scheduler; do
		image "registry.k8s.io/$name:$KUBERNETES" "{$path, \"Entrypoint\": [\"/usr/local/bin/$name\"]}" kubernetes
		archive "$release/kubernetes/server/bin/$name.tar"
	done
	image "registry.k8s.io/kube-proxy:$KUBERNETES" "{$path, \"Entrypoint\": [\"/usr/local/bin/kube-proxy\"]}" netfilter kubernetes
	while read -r tag; do
		case $tag in
			*/etcd:*) image "$tag" "{$path}" etcd ;;
			*/coredns:*) image "$tag" "{$path, \"Entrypoint\": [\"/usr/local/bin/coredns\"]}" coredns ;;
			*/pause:* | */kube-*) ;;
			*) fail "kubeadm wants \`$tag\`, which is not known here" "add it to make_release()" ;;
		esac
	done < <("$WORK/bin/kubeadm" config images list --kubernetes-version "$KUBERNETES")
	tag=$(sed -nE 's/^ *sandbox_image = "(.*)"/\1/p' "$source/images/base/files/etc/containerd/config.toml")
	image "$tag" '{"Entrypoint": ["/pause"], "User": "65535:65535"}' pause
	image "$(constant "$source" const_cni.go kindnetdImage)" "{$path, \"Entrypoint\": [\"/usr/local/bin/kindnet\"]}" netfilter kindnet
	image "$(constant "$source" const_storage.go storageProvisionerImage)" "{$path, \"Entrypoint\": [\"/usr/local/bin/local-path-provisioner\"]}" storage
	image "$(constant "$source" const_storage.go storageHelperImage)" "{$path}" shell
	archive "$release/kubernetes/server/bin/kube-proxy.tar"

	cp "$WORK/bin/kubeadm" "$WORK/bin/kubectl" "$release/kubernetes/server/bin/"
	cp "$WORK/node/usr/local/bin/kubernetes" "$release/kubernetes/server/bin/kubelet"
	printf '%s\n' "$KUBERNETES" >"$release/kubernetes/version"
	tar -c -C "$release" kubernetes | gzip --fast >"$WORK/release.tar.gz"
	rm -rf "$release" "$STAGE" "$ARCHIVE"
}
