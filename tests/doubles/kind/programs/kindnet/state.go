package main

import (
	"fmt"
	"log"
	"net"
	"os/exec"

	"github.com/vishvananda/netlink"
	corev1 "k8s.io/api/core/v1"
)

// state is what this program has set on its node.
type state struct {
	// own is this node's address, pods the range of all pods.
	own, pods string
	// written is the pod range that the CNI configuration has.
	written string
	// routes has the gateway of each pod range that lies on another node.
	routes map[string]string
}

// apply makes the node fit the nodes that there are.
func (s *state) apply(nodes []*corev1.Node) error {
	wanted := map[string]string{}
	for _, node := range nodes {
		address, pods := internalAddress(node), node.Spec.PodCIDR
		switch {
		case address == "" || pods == "":
			// Its kubelet or the controller manager has not come to it yet; the change will be seen.
		case address == s.own:
			if err := s.configure(pods); err != nil {
				return err
			}
		default:
			wanted[pods] = address
		}
	}
	for pods, gateway := range wanted {
		if err := change(netlink.RouteReplace, "set", pods, gateway); err != nil {
			return err
		}
		if s.routes[pods] != gateway {
			log.Printf("pods %s are at %s", pods, gateway)
		}
		s.routes[pods] = gateway
	}
	for pods, gateway := range s.routes {
		if _, there := wanted[pods]; !there {
			// Whoever else took the route away did what is wanted.
			_ = change(netlink.RouteDel, "remove", pods, gateway)
			delete(s.routes, pods)
			log.Printf("pods %s are gone with their node %s", pods, gateway)
		}
	}
	return masquerade(s.pods)
}

func (s *state) configure(pods string) error {
	if s.written == pods {
		return nil
	}
	if err := writeConfiguration(pods); err != nil {
		return err
	}
	s.written = pods
	log.Printf("pods of this node get addresses of %s", pods)
	return nil
}

func internalAddress(node *corev1.Node) string {
	for _, address := range node.Status.Addresses {
		if address.Type == corev1.NodeInternalIP {
			return address.Address
		}
	}
	return ""
}

func change(how func(*netlink.Route) error, verb, pods, gateway string) error {
	_, destination, err := net.ParseCIDR(pods)
	if err != nil {
		return fmt.Errorf("the pod range %q of node %s is none: %w", pods, gateway, err)
	}
	if err := how(&netlink.Route{Dst: destination, Gw: net.ParseIP(gateway)}); err != nil {
		return fmt.Errorf("could not %s the route to %s by %s: %w", verb, pods, gateway, err)
	}
	return nil
}

// masquerade gives what pods send to anything but pods the node's address: nobody else knows a way back.
func masquerade(pods string) error {
	rule := []string{"POSTROUTING", "-s", pods, "!", "-d", pods, "-m", "addrtype", "!", "--dst-type", "LOCAL", "-j", "MASQUERADE"}
	call := func(action string) ([]byte, error) {
		return exec.Command("iptables", append([]string{"-w", "-t", "nat", action}, rule...)...).CombinedOutput()
	}
	if _, err := call("-C"); err == nil {
		return nil
	}
	if output, err := call("-A"); err != nil {
		return fmt.Errorf("could not add the rule %v: %w: %s", rule, err, output)
	}
	return nil
}
