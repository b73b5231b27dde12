package node

// Where k3s keeps what, as far as its documentation says so; the rest lies beside it.
const (
	dataFolder     = "/var/lib/rancher/k3s"
	serverFolder   = dataFolder + "/server"
	agentFolder    = dataFolder + "/agent"
	adminFile      = "/etc/rancher/k3s/k3s.yaml"
	passwordFile   = "/etc/rancher/node/password"
	imagesFolder   = agentFolder + "/images"
	hostsFolder    = agentFolder + "/etc/containerd/certs.d"
	cniFolder      = agentFolder + "/etc/cni/net.d"
	crictlFile     = agentFolder + "/etc/crictl.yaml"
	runtimeFolder  = agentFolder + "/containerd"
	runtimeLog     = runtimeFolder + "/containerd.log"
	runtimeSocket  = "/run/k3s/containerd/containerd.sock"
	pauseImage     = "docker.io/rancher/mirrored-pause:3.6"
	pauseArchive   = "/usr/local/share/rollcall/pause.tar"
	pauseInArchive = "registry.k8s.io/pause:3.10"
)
