package contract

import (
	"fmt"
	"net/url"
	"os"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// RegistriesFile is read when `private-registry` names no other.
const RegistriesFile = "/etc/rancher/k3s/registries.yaml"

// Registries is the documented content of that file.
type Registries struct {
	Mirrors map[string]Mirror   `yaml:"mirrors"`
	Configs map[string]Registry `yaml:"configs"`
}

// Mirror is where images of a registry are looked for first.
type Mirror struct {
	Endpoint []string          `yaml:"endpoint"`
	Rewrite  map[string]string `yaml:"rewrite"`
}

// Registry is how one is spoken to.
type Registry struct {
	Auth *Auth `yaml:"auth"`
	TLS  *TLS  `yaml:"tls"`
}

// Auth is who asks.
type Auth struct {
	Username string `yaml:"username"`
	Password string `yaml:"password"`
	Auth     string `yaml:"auth"`
	Token    string `yaml:"token"`
}

// TLS is whom to believe.
type TLS struct {
	CAFile             string `yaml:"ca_file"`
	CertFile           string `yaml:"cert_file"`
	KeyFile            string `yaml:"key_file"`
	InsecureSkipVerify bool   `yaml:"insecure_skip_verify"`
}

// ReadRegistries reads the file; one that is not there has nothing in it.
func ReadRegistries(path string) (Registries, error) {
	var registries Registries
	var refusals Refusals
	object := "`" + path + "`"
	content, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return registries, nil
	}
	if err == nil {
		decoder := yaml.NewDecoder(strings.NewReader(string(content)))
		// A key that the page does not have is an error.
		decoder.KnownFields(true)
		if err = decoder.Decode(&registries); err != nil && err.Error() == "EOF" {
			return registries, nil
		}
	}
	if err != nil {
		refusals.add(object, PageRegistries, "the keys are mirrors.NAME.{endpoint,rewrite} and configs.NAME.{auth,tls}; `*` needs quotes", "%s", strings.ReplaceAll(err.Error(), "\n", " "))
		return registries, refusals
	}
	for name, mirror := range registries.Mirrors {
		mirror.check(fmt.Sprintf("mirror `%s` of %s", name, object), name, &refusals)
	}
	for name, config := range registries.Configs {
		config.check(fmt.Sprintf("config `%s` of %s", name, object), &refusals)
	}
	return registries, refusals.orNil()
}

func (m Mirror) check(object, name string, refusals *Refusals) {
	// docker.io and the like: a first part without `.` or `:` is no registry for containerd.
	if name != "*" && !strings.ContainsAny(name, ".:") {
		refusals.add(object, PageRegistries, "name a registry with a `.` or a `:`, or \"*\"", "`%s` is not recognised as a registry", name)
	}
	if len(m.Endpoint) == 0 {
		refusals.add(object, PageRegistries, "list one under `endpoint`", "it has no endpoint")
	}
	for _, endpoint := range m.Endpoint {
		full := endpoint
		if !strings.Contains(endpoint, "://") {
			full = "https://" + endpoint
		}
		address, err := url.Parse(full)
		if err != nil || address.Host == "" || (address.Scheme != "http" && address.Scheme != "https") {
			refusals.add(object, PageRegistries, "write it as https://HOST:PORT or http://HOST:PORT", "endpoint `%s` is no address", endpoint)
		}
	}
	for pattern := range m.Rewrite {
		if _, err := regexp.Compile(pattern); err != nil {
			refusals.add(object, PageRegistries, "mend it", "rewrite `%s` is no regular expression: %v", pattern, err)
		}
	}
}

func (r Registry) check(object string, refusals *Refusals) {
	if r.TLS == nil {
		return
	}
	for _, path := range []string{r.TLS.CAFile, r.TLS.CertFile, r.TLS.KeyFile} {
		if path == "" {
			continue
		}
		if _, err := os.Stat(path); err != nil {
			refusals.add(object, PageRegistries, "put it on the node before the first start", "file `%s`: %v", path, err)
		}
	}
	if (r.TLS.CertFile == "") != (r.TLS.KeyFile == "") {
		refusals.add(object, PageRegistries, "give cert_file and key_file", "one of them is missing")
	}
}
