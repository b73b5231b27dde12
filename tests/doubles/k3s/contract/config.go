package contract

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// ConfigFile is read when no other is named.
const ConfigFile = "/etc/rancher/k3s/config.yaml"

// Sources is where settings come from.
type Sources struct {
	Role        Role
	Arguments   []string
	Environment []string
	// ConfigFile is for tests; empty means the documented one.
	ConfigFile string
}

// Read collects the settings and checks every single value.
func Read(sources Sources) (Settings, error) {
	var refusals Refusals
	settings := Settings{Role: sources.Role, values: map[string][]string{}}
	fromVariables := variables(sources, &refusals)
	fromArguments := arguments(sources, &refusals)

	path := sources.ConfigFile
	if path == "" {
		path = ConfigFile
	}
	named := false
	for _, given := range []map[string][]string{fromVariables, fromArguments} {
		if values := given["config"]; len(values) > 0 {
			path, named = values[0], true
		}
	}
	fromFiles := files(sources.Role, path, named, &refusals)
	// What stands later wins, and for a list all of it.
	for _, given := range []map[string][]string{fromVariables, fromFiles, fromArguments} {
		for name, values := range given {
			settings.values[name] = values
		}
	}
	if len(refusals) == 0 {
		together(settings, &refusals)
	}
	return settings, refusals.orNil()
}

func files(role Role, path string, mustExist bool, refusals *Refusals) map[string][]string {
	values := map[string][]string{}
	names := []string{path}
	// A drop-in folder has the name of its file.
	if dropIns, err := filepath.Glob(path + ".d/*.yaml"); err == nil {
		sort.Strings(dropIns)
		names = append(names, dropIns...)
	}
	for i, name := range names {
		content, err := os.ReadFile(name)
		if os.IsNotExist(err) && i == 0 && !mustExist {
			continue
		}
		if err != nil {
			refusals.add("`"+name+"`", PageConfig, "put the file there before the first start", "it cannot be read: %v", err)
			continue
		}
		configFile(role, name, content, values, refusals)
	}
	return values
}

func configFile(role Role, name string, content []byte, values map[string][]string, refusals *Refusals) {
	var document yaml.Node
	if err := yaml.Unmarshal(content, &document); err != nil {
		refusals.add("`"+name+"`", PageConfig, "write a YAML map of flags without their dashes", "it is no YAML: %v", err)
		return
	}
	if len(document.Content) == 0 {
		return
	}
	root := document.Content[0]
	if root.Kind != yaml.MappingNode {
		refusals.add("`"+name+"`", PageConfig, "write a YAML map of flags without their dashes", "it is no map")
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, value := root.Content[i].Value, root.Content[i+1]
		object := fmt.Sprintf("key `%s` of `%s`", key, name)
		flagName, adds := strings.CutSuffix(key, "+")
		row, ok := known(role)[flagName]
		switch {
		case seen[flagName]:
			refusals.add(object, PageConfig, "keep one of them", "it stands there twice")
			continue
		case !ok:
			unknown(role, flagName, object, refusals)
			continue
		case flagName == "config":
			refusals.add(object, PageConfig, "name the file by `--config` or K3S_CONFIG_FILE", "a file cannot name itself")
			continue
		}
		seen[flagName] = true
		found, ok := scalars(row, value, object, page(role), refusals)
		if !ok {
			continue
		}
		for _, text := range found {
			checkValue(row, text, object, page(role), refusals)
		}
		if adds {
			found = append(values[flagName], found...)
		}
		values[flagName] = found
	}
}

// scalars are the texts of a YAML value, when it has the kind that the flag takes.
func scalars(row flag, value *yaml.Node, object, page string, refusals *Refusals) ([]string, bool) {
	wrong := func() ([]string, bool) {
		refusals.add(object, page, "write "+row.kind.String(), "it is %s, and the flag takes %s", describe(value), row.kind)
		return nil, false
	}
	if value.Kind == yaml.SequenceNode {
		if row.kind != list && row.kind != textOrList {
			return wrong()
		}
		var texts []string
		for _, item := range value.Content {
			if item.Kind != yaml.ScalarNode || item.Tag == "!!null" {
				refusals.add(object, page, "write a list of strings", "%s stands in the list", describe(item))
				return nil, false
			}
			texts = append(texts, item.Value)
		}
		return texts, true
	}
	if value.Kind != yaml.ScalarNode || value.Tag == "!!null" || row.kind == list {
		return wrong()
	}
	switch row.kind {
	case boolean:
		if value.Tag != "!!bool" {
			return wrong()
		}
	case number:
		if value.Tag != "!!int" {
			return wrong()
		}
	case text, textOrList:
		if value.Tag == "!!bool" || value.Tag == "!!float" {
			return wrong()
		}
		if leadingZero.MatchString(value.Value) && value.Tag == "!!int" {
			refusals.add(object, PageConfig, "put it in quotes", "`%s` without quotes is a number in octal, and reaches the flag as another one", value.Value)
			return nil, false
		}
	}
	return []string{value.Value}, true
}

var leadingZero = regexp.MustCompile(`^0[0-9]+$`)

func describe(value *yaml.Node) string {
	switch {
	case value.Kind == yaml.SequenceNode:
		return "a list"
	case value.Kind == yaml.MappingNode:
		return "a map"
	case value.Tag == "!!null":
		return "empty"
	}
	return fmt.Sprintf("`%s` (%s)", value.Value, strings.TrimPrefix(value.Tag, "!!"))
}

func checkValue(row flag, value, object, page string, refusals *Refusals) {
	if row.kind == number {
		if _, err := strconv.Atoi(value); err != nil {
			refusals.add(object, page, "write a number", "`%s` is none", value)
		}
	}
	if row.check == nil {
		return
	}
	if wrong := row.check(value); wrong != "" {
		where := page
		if strings.Contains(wrong, "kubelet may not") {
			where = PageLabels
		}
		refusals.add(object, where, "see the page for the values it takes", "%s", wrong)
	}
}

// unknown refuses a flag, and says so when the other sub-command or an earlier version has it.
func unknown(role Role, name, object string, refusals *Refusals) {
	other := map[Role]Role{Server: Agent, Agent: Server}[role]
	if _, ok := known(other)[name]; ok {
		refusals.add(object, page(other), "leave it out", "it is a flag of `k3s %s` and not of `k3s %s`", other, role)
		return
	}
	hint := "leave it out; keys are flags without their dashes"
	if instead, ok := deprecated[name]; ok {
		hint = "use " + instead
	}
	refusals.add(object, page(role), hint, "`k3s %s` has no such flag", role)
}

// deprecated are flags that the pages list as such, and what to use instead.
var deprecated = map[string]string{
	"no-flannel":     "`flannel-backend: none`",
	"no-deploy":      "`disable`",
	"cluster-secret": "`token`",
}
