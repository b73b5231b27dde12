// The pod network of the double: what kind's own kindnetd does, as far as DaemonSet tests need it. It runs on every
// node and keeps three things right: the CNI configuration for this node's pods, a route to every other node's pods,
// and the masquerading of what pods send elsewhere. It knows no network policies and only IPv4.
package main

import (
	"context"
	"log"
	"os"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

// Routes and rules that somebody took away come back after this long.
const again = 10 * time.Second

func main() {
	own, pods := os.Getenv("HOST_IP"), os.Getenv("POD_SUBNET")
	if own == "" || pods == "" {
		log.Fatalf("HOST_IP is %q and POD_SUBNET is %q: the DaemonSet must set both", own, pods)
	}
	config, err := rest.InClusterConfig()
	if err != nil {
		log.Fatalf("cannot tell where the API server is: %v", err)
	}
	// kind tells its network program a way to the API server that needs no kube-proxy.
	if endpoint := os.Getenv("CONTROL_PLANE_ENDPOINT"); endpoint != "" {
		config.Host = "https://" + endpoint
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		log.Fatalf("cannot make a client for %s: %v", config.Host, err)
	}

	changed := make(chan struct{}, 1)
	notify := func() {
		select {
		case changed <- struct{}{}:
		default: // A look that is due sees this change too.
		}
	}
	nodes := informers.NewSharedInformerFactory(client, 0).Core().V1().Nodes().Informer()
	if _, err := nodes.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { notify() },
		UpdateFunc: func(any, any) { notify() },
		DeleteFunc: func(any) { notify() },
	}); err != nil {
		log.Fatalf("cannot watch nodes: %v", err)
	}
	go nodes.Run(context.Background().Done())

	state := state{own: own, pods: pods, routes: map[string]string{}}
	for {
		select {
		case <-changed:
		case <-time.After(again):
		}
		if !nodes.HasSynced() {
			continue
		}
		list := []*corev1.Node{}
		for _, object := range nodes.GetStore().List() {
			list = append(list, object.(*corev1.Node))
		}
		if err := state.apply(list); err != nil {
			log.Printf("%v; again within %s", err, again)
		}
	}
}
