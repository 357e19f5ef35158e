// Copyright 2026 The Charmarr authors
// SPDX-License-Identifier: Apache-2.0

// Command controlplane is three programs in one file: etcd, kube-apiserver and
// kube-controller-manager. The name under which it is called says which.
//
// The cluster tests need all three, and no package registry offers them as
// binaries. As modules they share nearly everything, so that one program takes
// little longer to build than the API server alone.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
)

// programs maps a name to what runs under it, with an exit code as its outcome.
var programs = map[string]func() int{
	"etcd": func() int {
		etcdmain.Main(os.Args)
		return 0
	},
	"kube-apiserver": func() int {
		return cli.Run(apiserver.NewAPIServerCommand())
	},
	"kube-controller-manager": func() int {
		return cli.Run(controllermanager.NewControllerManagerCommand())
	},
}

func main() {
	name := filepath.Base(os.Args[0])
	program, known := programs[name]
	if !known {
		fmt.Fprintf(os.Stderr, "%s: call this program by one of its names: %s\n", name, names())
		os.Exit(2)
	}
	os.Exit(program())
}

func names() string {
	all := make([]string, 0, len(programs))
	for name := range programs {
		all = append(all, name)
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}
