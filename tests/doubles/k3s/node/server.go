package node

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"strings"

	"rollcall.dev/tests/doubles/k3s/contract"
)

// server is a control plane with its node.
type server struct {
	settings           contract.Settings
	own                self
	port               int
	serverCA, clientCA authority
	admin              keyed
	local              api
}

// RunServer runs the control plane and a node beside it until the context ends.
func RunServer(ctx context.Context, settings contract.Settings, registries contract.Registries) error {
	own, err := lookAtSelf(settings)
	if err != nil {
		return err
	}
	s := &server{settings: settings, own: own}
	if s.port, err = strconv.Atoi(settings.Text("https-listen-port", "6443")); err != nil {
		return err
	}
	if err := s.prepare(); err != nil {
		return err
	}
	tokens, err := s.tokens()
	if err != nil {
		return err
	}
	if err := s.startControlPlane(ctx); err != nil {
		return err
	}
	certificate, err := s.serverCA.server("k3s", s.names())
	if err != nil {
		return err
	}
	door := supervisor{tokens: tokens, serverCA: s.serverCA.pem, certificate: certificate, join: s.join}
	failed := make(chan error, 1)
	go func() { failed <- door.serve(ctx, s.port+supervisorOffset) }()

	var member membership
	err = until(ctx, "kube-apiserver to let this node in", startLimit, func() error {
		member, err = s.join(request{Name: own.name, Address: own.address, Password: own.password})
		return err
	})
	if err != nil {
		return err
	}
	if err := runNode(ctx, settings, registries, own, member, s.url()); err != nil {
		return err
	}
	if err := s.label(); err != nil {
		return err
	}
	if !settings.Disabled("coredns") {
		if err := s.startDNS(ctx); err != nil {
			return err
		}
	}
	Log("k3s", "k3s is up and running")
	select {
	case err := <-failed:
		return fmt.Errorf("the door for agents on port %d: %w", s.port+supervisorOffset, err)
	case <-ctx.Done():
		return nil
	}
}

func (s *server) url() string { return "https://127.0.0.1:" + strconv.Itoa(s.port) }

func (s *server) clusterRange() string { return first(s.settings, "cluster-cidr", "10.42.0.0/16") }
func (s *server) serviceRange() string { return first(s.settings, "service-cidr", "10.43.0.0/16") }
func (s *server) domain() string       { return s.settings.Text("cluster-domain", "cluster.local") }

// dns is the tenth address of the Services, unless another was chosen.
func (s *server) dns() string {
	return first(s.settings, "cluster-dns", addressIn(s.serviceRange(), 10))
}

func addressIn(prefix string, number int) string {
	parsed, err := netip.ParsePrefix(prefix)
	if err != nil {
		return ""
	}
	address := parsed.Addr()
	for range number {
		address = address.Next()
	}
	return address.String()
}

// names are what the API server is known by.
func (s *server) names() []string {
	names := []string{
		"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc." + s.domain(),
		"localhost", s.own.name, "127.0.0.1", s.own.address, addressIn(s.serviceRange(), 1),
	}
	return append(names, s.settings.List("tls-san")...)
}

// prepare reads or makes everything that is signed with.
func (s *server) prepare() error {
	var err error
	if s.serverCA, err = loadAuthority(contract.TLSFolder+"/server-ca", "server-ca"); err != nil {
		return err
	}
	if s.clientCA, err = loadAuthority(contract.TLSFolder+"/client-ca", "client-ca"); err != nil {
		return err
	}
	// Nothing here signs with these, and who looks for them finds them as in k3s.
	for _, name := range []string{"request-header-ca", "etcd/peer-ca", "etcd/server-ca"} {
		if _, err = loadAuthority(contract.TLSFolder+"/"+name, strings.ReplaceAll(name, "/", "-")); err != nil {
			return err
		}
	}
	if err := loadAccountKey(contract.TLSFolder + "/service.key"); err != nil {
		return err
	}
	if s.admin, err = s.clientCA.client("system:admin", "system:masters"); err != nil {
		return err
	}
	serving, err := s.serverCA.server("kube-apiserver", s.names())
	if err != nil {
		return err
	}
	if err := writePair(contract.TLSFolder+"/serving-kube-apiserver", serving); err != nil {
		return err
	}
	kubelet, err := s.clientCA.client("system:apiserver", "system:masters")
	if err != nil {
		return err
	}
	if err := writePair(contract.TLSFolder+"/client-kube-apiserver", kubelet); err != nil {
		return err
	}
	for _, part := range []string{"controller", "scheduler"} {
		// In the group that needs no roles: the roles do not exist before the API server has made them.
		user, err := s.clientCA.client("system:kube-"+part, "system:masters")
		if err != nil {
			return err
		}
		if err := kubeconfig(serverFolder+"/cred/"+part+".kubeconfig", s.url(), s.serverCA.pem, user, 0o600); err != nil {
			return err
		}
	}
	mode, err := strconv.ParseUint(s.settings.Text("write-kubeconfig-mode", "600"), 8, 32)
	if err != nil {
		return err
	}
	path := s.settings.Text("write-kubeconfig", adminFile)
	if err := kubeconfig(path, s.url(), s.serverCA.pem, s.admin, os.FileMode(mode)); err != nil {
		return err
	}
	s.local, err = newAPI(s.url(), s.serverCA.pem, s.admin)
	return err
}

// tokens are what nodes may join with; they are written where k3s writes them.
func (s *server) tokens() ([]string, error) {
	token, err := givenToken(s.settings, "token")
	if err != nil {
		return nil, err
	}
	path := serverFolder + "/token"
	if token == "" {
		if content, err := os.ReadFile(path); err == nil {
			token = strings.TrimSpace(string(content))
		} else {
			token = randomHex(16)
		}
	}
	agents, err := givenToken(s.settings, "agent-token")
	if err != nil {
		return nil, err
	}
	tokens := []string{token}
	if agents != "" {
		tokens = append(tokens, agents)
	} else {
		agents = token
	}
	err = writeFile(path, []byte(secure(token, "server", s.serverCA.pem)+"\n"), 0o600)
	return tokens, errors.Join(err,
		writeFile(serverFolder+"/node-token", []byte(secure(token, "server", s.serverCA.pem)+"\n"), 0o600),
		writeFile(serverFolder+"/agent-token", []byte(secure(agents, "node", s.serverCA.pem)+"\n"), 0o600))
}

// join lets a node in, or says why not.
func (s *server) join(asked request) (membership, error) {
	member := membership{
		ServerCA:     s.serverCA.pem,
		ClientCA:     s.clientCA.pem,
		ClusterRange: s.clusterRange(),
		DNS:          s.dns(),
		Domain:       s.domain(),
		Flannel:      s.settings.Text("flannel-backend", "vxlan"),
		WithoutProxy: s.settings.Is("disable-kube-proxy"),
		WithoutCloud: s.settings.Is("disable-cloud-controller"),
	}
	if err := checkPassword(s.local, asked.Name, asked.Password); err != nil {
		return member, err
	}
	var err error
	if member.Kubelet, err = s.clientCA.client("system:node:"+asked.Name, "system:nodes"); err != nil {
		return member, err
	}
	if member.Proxy, err = s.clientCA.client("system:kube-proxy", ""); err != nil {
		return member, err
	}
	member.Serving, err = s.serverCA.server(asked.Name, []string{asked.Name, "127.0.0.1", asked.Address})
	return member, err
}

// label gives the server's node its role, which its kubelet may not.
func (s *server) label() error {
	err := s.local.do(http.MethodPatch, "/api/v1/nodes/"+s.own.name, map[string]any{"metadata": map[string]any{
		"labels": map[string]string{"node-role.kubernetes.io/control-plane": "true"},
	}}, nil)
	if err != nil {
		return fmt.Errorf("could not label node %s: %w", s.own.name, err)
	}
	return nil
}

// first is the first value of a flag that can have several.
func first(settings contract.Settings, name, otherwise string) string {
	if values := settings.List(name); len(values) > 0 {
		return values[0]
	}
	return otherwise
}
