package node

import (
	"context"
	"net/http"
	"strconv"

	"rollcall.dev/tests/doubles/k3s/contract"
)

const etcdClients = "http://127.0.0.1:2379"

func (s *server) startControlPlane(ctx context.Context) error {
	users := s.settings.List
	keep(ctx, program{name: "etcd", arguments: flags(map[string]string{
		"data-dir":              serverFolder + "/db/etcd",
		"listen-client-urls":    etcdClients,
		"advertise-client-urls": etcdClients,
		"listen-peer-urls":      "http://127.0.0.1:2380",
		// A cluster of tests that loses its machine is made anew.
		"unsafe-no-fsync": "true",
		"log-level":       "warn",
	}, users("etcd-arg"))})
	if err := until(ctx, "etcd", startLimit, listens("tcp", "127.0.0.1:2379")); err != nil {
		return err
	}
	keep(ctx, program{name: "kube-apiserver", arguments: flags(s.apiServer(), users("kube-apiserver-arg"))})
	err := until(ctx, "kube-apiserver", startLimit, func() error {
		// The Secrets of the nodes' passwords lie in this namespace.
		return s.local.do(http.MethodGet, "/api/v1/namespaces/kube-system", nil, nil)
	})
	if err != nil {
		return err
	}
	keep(ctx, program{name: "kube-controller-manager", arguments: flags(s.controllerManager(), users("kube-controller-manager-arg"))})
	if !s.settings.Is("disable-scheduler") {
		keep(ctx, program{name: "kube-scheduler", arguments: flags(map[string]string{
			"kubeconfig":   serverFolder + "/cred/scheduler.kubeconfig",
			"leader-elect": "false",
			"bind-address": "127.0.0.1",
			"profiling":    "false",
		}, users("kube-scheduler-arg"))})
	}
	return nil
}

func (s *server) apiServer() map[string]string {
	const tls = contract.TLSFolder
	return map[string]string{
		"etcd-servers":             etcdClients,
		"advertise-address":        s.own.address,
		"secure-port":              strconv.Itoa(s.port),
		"service-cluster-ip-range": s.serviceRange(),
		"service-node-port-range":  s.settings.Text("service-node-port-range", "30000-32767"),
		"allow-privileged":         "true",
		"authorization-mode":       "Node,RBAC",
		"enable-admission-plugins": "NodeRestriction",
		// As k3s does: who asks without a certificate or token is told nothing, not even that it is well.
		"anonymous-auth":                  "false",
		"client-ca-file":                  tls + "/client-ca.crt",
		"requestheader-client-ca-file":    tls + "/request-header-ca.crt",
		"tls-cert-file":                   tls + "/serving-kube-apiserver.crt",
		"tls-private-key-file":            tls + "/serving-kube-apiserver.key",
		"kubelet-certificate-authority":   tls + "/server-ca.crt",
		"kubelet-client-certificate":      tls + "/client-kube-apiserver.crt",
		"kubelet-client-key":              tls + "/client-kube-apiserver.key",
		"kubelet-preferred-address-types": "InternalIP,ExternalIP,Hostname",
		"service-account-issuer":          "https://kubernetes.default.svc." + s.domain(),
		"api-audiences":                   "https://kubernetes.default.svc." + s.domain() + ",k3s",
		// One file for both, as k3s has it.
		"service-account-key-file":         tls + "/service.key",
		"service-account-signing-key-file": tls + "/service.key",
		"profiling":                        "false",
	}
}

func (s *server) controllerManager() map[string]string {
	const tls = contract.TLSFolder
	return map[string]string{
		"kubeconfig":                       serverFolder + "/cred/controller.kubeconfig",
		"service-account-private-key-file": tls + "/service.key",
		"root-ca-file":                     tls + "/server-ca.crt",
		"cluster-signing-cert-file":        tls + "/client-ca.crt",
		"cluster-signing-key-file":         tls + "/client-ca.key",
		"allocate-node-cidrs":              "true",
		"cluster-cidr":                     s.clusterRange(),
		"service-cluster-ip-range":         s.serviceRange(),
		// An account for each controller costs seconds of start.
		"use-service-account-credentials": "false",
		"leader-elect":                    "false",
		"bind-address":                    "127.0.0.1",
		"profiling":                       "false",
	}
}
