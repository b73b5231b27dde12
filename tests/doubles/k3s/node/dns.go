package node

import (
	"context"
	"fmt"
)

// startDNS runs CoreDNS as a process of this node behind the Service that k3s has. A pod would be nearer to k3s, and
// needs an image that cannot be had everywhere.
func (s *server) startDNS(ctx context.Context) error {
	user, err := s.clientCA.client("system:coredns", "system:masters")
	if err != nil {
		return err
	}
	configuration := serverFolder + "/cred/coredns.kubeconfig"
	if err := kubeconfig(configuration, s.url(), s.serverCA.pem, user, 0o600); err != nil {
		return err
	}
	corefile := fmt.Sprintf(`.:53 {
    bind %s
    errors
    kubernetes %s in-addr.arpa ip6.arpa {
        kubeconfig %s
        pods insecure
        ttl 5
    }
    cache 5
    loadbalance
}
`, s.own.address, s.domain(), configuration)
	path := serverFolder + "/etc/Corefile"
	if err := writeFile(path, []byte(corefile), 0o644); err != nil {
		return err
	}
	labels := map[string]string{"k8s-app": "kube-dns", "kubernetes.io/name": "CoreDNS"}
	ports := []any{
		map[string]any{"name": "dns", "port": 53, "protocol": "UDP"},
		map[string]any{"name": "dns-tcp", "port": 53, "protocol": "TCP"},
	}
	err = s.local.ensure("/api/v1/namespaces/kube-system/services", "kube-dns", map[string]any{
		"apiVersion": "v1", "kind": "Service",
		"metadata": map[string]any{"name": "kube-dns", "namespace": "kube-system", "labels": labels},
		"spec":     map[string]any{"clusterIP": s.dns(), "ports": ports},
	})
	if err != nil {
		return fmt.Errorf("could not make Service kube-system/kube-dns: %w", err)
	}
	err = s.local.ensure("/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices", "kube-dns-k3s", map[string]any{
		"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
		"metadata": map[string]any{"name": "kube-dns-k3s", "namespace": "kube-system", "labels": map[string]string{
			"kubernetes.io/service-name": "kube-dns", "endpointslice.kubernetes.io/managed-by": "k3s",
		}},
		"addressType": "IPv4",
		"endpoints":   []any{map[string]any{"addresses": []string{s.own.address}}},
		"ports":       ports,
	})
	if err != nil {
		return fmt.Errorf("could not make EndpointSlice kube-system/kube-dns-k3s: %w", err)
	}
	keep(ctx, program{name: "coredns", arguments: []string{"-conf", path, "-quiet"}})
	return nil
}
