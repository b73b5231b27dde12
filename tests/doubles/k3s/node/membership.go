package node

// membership is what a node is given when it joins. How it travels is the double's own business.
type membership struct {
	ServerCA, ClientCA        []byte
	Kubelet, Serving, Proxy   keyed
	ClusterRange, DNS, Domain string
	Flannel                   string
	WithoutProxy              bool
	WithoutCloud              bool
}

// request is what a node asks with.
type request struct {
	Name, Address, Password string
}
