// A Vault server for tests: Vault's own core and HTTP handler, with the few plugins that the tests use.
//
// Data are in files, so that a restart can be tested; -standby adds a second node over the same data, which
// answers as a standby does (it redirects with 307). Initialising and unsealing are the client's business.
package main

import (
	"errors"
	"flag"
	"log"
	"net/http"
	"time"

	"github.com/hashicorp/go-hclog"
	kubernetes "github.com/hashicorp/vault-plugin-auth-kubernetes"
	kv "github.com/hashicorp/vault-plugin-secrets-kv"
	"github.com/hashicorp/vault/builtin/credential/approle"
	"github.com/hashicorp/vault/builtin/credential/userpass"
	"github.com/hashicorp/vault/helper/pluginconsts"
	vaulthttp "github.com/hashicorp/vault/http"
	"github.com/hashicorp/vault/internalshared/configutil"
	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/hashicorp/vault/sdk/physical"
	"github.com/hashicorp/vault/sdk/physical/file"
	"github.com/hashicorp/vault/sdk/physical/inmem"
	"github.com/hashicorp/vault/vault"
)

var (
	secrets = map[string]logical.Factory{"kv": kv.Factory}
	logins  = map[string]logical.Factory{
		pluginconsts.AuthTypeApprole:    approle.Factory,
		pluginconsts.AuthTypeKubernetes: kubernetes.Factory,
		pluginconsts.AuthTypeUserpass:   userpass.Factory,
	}
)

type registry struct{}

func (registry) of(kind consts.PluginType) map[string]logical.Factory {
	return map[consts.PluginType]map[string]logical.Factory{
		consts.PluginTypeSecrets:    secrets,
		consts.PluginTypeCredential: logins,
	}[kind]
}

func (r registry) Contains(name string, kind consts.PluginType) bool {
	_, found := r.of(kind)[name]
	return found
}

func (r registry) Get(name string, kind consts.PluginType) (func() (interface{}, error), bool) {
	factory, found := r.of(kind)[name]
	return func() (interface{}, error) { return factory, nil }, found
}

func (r registry) Keys(kind consts.PluginType) []string {
	names := []string{}
	for name := range r.of(kind) {
		names = append(names, name)
	}
	return names
}

func (r registry) DeprecationStatus(name string, kind consts.PluginType) (consts.DeprecationStatus, bool) {
	return consts.Supported, r.Contains(name, kind)
}

func (registry) IsBuiltinEntPlugin(string, consts.PluginType) bool { return false }

type node struct {
	address string
	tls     bool
}

func (n node) url() string {
	if n.tls {
		return "https://" + n.address
	}
	return "http://" + n.address
}

func (n node) core(data physical.Backend, locks physical.HABackend, logger hclog.Logger) (*vault.Core, error) {
	return vault.NewCore(&vault.CoreConfig{
		Physical:           data,
		HAPhysical:         locks,
		StorageType:        "file",
		RedirectAddr:       n.url(),
		LogicalBackends:    secrets,
		CredentialBackends: logins,
		BuiltinRegistry:    registry{},
		Logger:             logger,
		DisableMlock:       true,
		DisableCache:       true, // two nodes over the same files
		DefaultLeaseTTL:    time.Hour,
		MaxLeaseTTL:        24 * time.Hour,
	})
}

func main() {
	listen := flag.String("listen", "127.0.0.1:8200", "address of the active node")
	standby := flag.String("standby", "", "address of a second node; none without")
	folder := flag.String("data", "", "folder of the data")
	certificate := flag.String("certificate", "", "PEM file; with -key, the listeners speak TLS")
	key := flag.String("key", "", "PEM file")
	flag.Parse()
	logger := hclog.New(&hclog.LoggerOptions{Level: hclog.Warn})
	log.Fatal(run(*listen, *standby, *folder, *certificate, *key, logger))
}

func run(listen, standby, folder, certificate, key string, logger hclog.Logger) error {
	if folder == "" {
		return errors.New("-data is required")
	}
	data, err := file.NewFileBackend(map[string]string{"path": folder}, logger)
	if err != nil {
		return err
	}
	memory, err := inmem.NewInmemHA(nil, logger)
	if err != nil {
		return err
	}
	failed := make(chan error)
	for _, address := range []string{listen, standby} {
		if address == "" {
			continue
		}
		this := node{address, certificate != ""}
		core, err := this.core(data, memory.(physical.HABackend), logger.With("node", address))
		if err != nil {
			return err
		}
		handler := vaulthttp.Handler.Handler(&vault.HandlerProperties{
			Core:           core,
			ListenerConfig: &configutil.Listener{Type: "tcp", Address: address, TLSDisable: !this.tls},
		})
		go func() { failed <- serve(this, handler, certificate, key) }()
	}
	return <-failed
}

func serve(this node, handler http.Handler, certificate, key string) error {
	server := &http.Server{Addr: this.address, Handler: handler}
	if this.tls {
		return server.ListenAndServeTLS(certificate, key)
	}
	return server.ListenAndServe()
}
