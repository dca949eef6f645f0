package main

import (
	kv "github.com/hashicorp/vault-plugin-secrets-kv"
	"github.com/hashicorp/vault/builtin/credential/approle"
	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/logical"
)

// builtins is the catalogue in which the core looks up a plugin before it mounts it.
type builtins struct{}

func (builtins) Get(name string, kind consts.PluginType) (func() (interface{}, error), bool) {
	switch {
	case name == "kv" && kind == consts.PluginTypeSecrets:
		return factory(kv.Factory), true
	case name == "approle" && kind == consts.PluginTypeCredential:
		return factory(approle.Factory), true
	default:
		return nil, false
	}
}

func (b builtins) Contains(name string, kind consts.PluginType) bool {
	_, found := b.Get(name, kind)
	return found
}

func (builtins) Keys(kind consts.PluginType) []string {
	switch kind {
	case consts.PluginTypeSecrets:
		return []string{"kv"}
	case consts.PluginTypeCredential:
		return []string{"approle"}
	default:
		return nil
	}
}

func (b builtins) DeprecationStatus(name string, kind consts.PluginType) (consts.DeprecationStatus, bool) {
	return consts.Supported, b.Contains(name, kind)
}

func (builtins) IsBuiltinEntPlugin(string, consts.PluginType) bool {
	return false
}

func factory(of logical.Factory) func() (interface{}, error) {
	return func() (interface{}, error) { return of, nil }
}
