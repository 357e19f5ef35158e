// Copyright 2026 The Charmarr authors
// SPDX-License-Identifier: Apache-2.0

// Program golden records what the API server's own field manager makes of writes.
//
// It reads scenarios, one a line, and writes them with their outcomes:
//
//	go mod tidy && go run . < apply.jsonl > recorded.jsonl && mv recorded.jsonl apply.jsonl
//
// The API server puts defaults into objects before it looks at owners; this program does not.
package main

import (
	"encoding/json"
	"log"
	"os"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/client-go/applyconfigurations"
	"k8s.io/client-go/kubernetes/scheme"
)

type content = map[string]interface{}

type step struct {
	Operation string  `json:"operation"`
	Manager   string  `json:"manager"`
	Force     bool    `json:"force,omitempty"`
	Object    content `json:"object"`
	Outcome   content `json:"outcome,omitempty"`
	Error     string  `json:"error,omitempty"`
}

type scenario struct {
	Name  string `json:"name"`
	Steps []step `json:"steps"`
}

type noDefaults struct{}

func (noDefaults) Default(runtime.Object) {}

func main() {
	in := json.NewDecoder(os.Stdin)
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	for in.More() {
		var each scenario
		check(in.Decode(&each))
		record(each.Steps)
		check(out.Encode(each))
	}
}

func record(steps []step) {
	first := unstructured.Unstructured{Object: steps[0].Object}
	gvk := first.GroupVersionKind()
	converter := applyconfigurations.NewTypeConverter(scheme.Scheme)
	manager, err := managedfields.NewDefaultFieldManager(
		converter, scheme.Scheme, noDefaults{}, scheme.Scheme, gvk, gvk.GroupVersion(), "", nil)
	check(err)
	live := typed(content{}, gvk)
	for index := range steps {
		s := &steps[index]
		s.Outcome, s.Error = nil, ""
		result, err := write(manager, live, *s, gvk)
		if err != nil {
			s.Error = err.Error()
			continue
		}
		s.Outcome = plain(result)
		live = typed(s.Outcome, gvk)
	}
}

func write(manager *managedfields.FieldManager, live runtime.Object, s step, gvk schema.GroupVersionKind) (runtime.Object, error) {
	if s.Operation == "apply" {
		applied := runtime.DeepCopyJSON(s.Object)
		return manager.Apply(live, &unstructured.Unstructured{Object: applied}, s.Manager, s.Force)
	}
	wanted := runtime.DeepCopyJSON(s.Object)
	if owners, found, _ := unstructured.NestedSlice(plain(live), "metadata", "managedFields"); found {
		check(unstructured.SetNestedSlice(wanted, owners, "metadata", "managedFields"))
	}
	return manager.Update(live, typed(wanted, gvk), s.Manager)
}

func typed(obj content, gvk schema.GroupVersionKind) runtime.Object {
	result, err := scheme.Scheme.New(gvk)
	check(err)
	check(runtime.DefaultUnstructuredConverter.FromUnstructured(obj, result))
	result.GetObjectKind().SetGroupVersionKind(gvk)
	return result
}

func plain(obj runtime.Object) content {
	result, err := runtime.DefaultUnstructuredConverter.ToUnstructured(obj)
	check(err)
	return result
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
