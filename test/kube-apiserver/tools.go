//go:build tools

// Package tools names the programs that test/environment/cluster/real/kube-build.ts builds, so that
// "go mod tidy" keeps what they need.
package tools

import (
	_ "go.etcd.io/etcd/server/v3"
	_ "k8s.io/kubernetes/cmd/kube-apiserver"
	_ "k8s.io/kubernetes/cmd/kubectl"
)
