package contract

import (
	"slices"
	"sort"
	"strings"
)

// Settings are the flags of one node, from wherever they came.
type Settings struct {
	Role   Role
	values map[string][]string
}

// Text is the value of a flag, or what it is by default.
func (s Settings) Text(name, otherwise string) string {
	if values := s.values[name]; len(values) > 0 {
		return values[len(values)-1]
	}
	return otherwise
}

// List is every value of a flag that can be repeated.
func (s Settings) List(name string) []string {
	var values []string
	for _, value := range s.values[name] {
		if row := known(s.Role)[name]; row.kind == textOrList || name == "disable" {
			values = append(values, strings.Split(value, ",")...)
		} else {
			values = append(values, value)
		}
	}
	return values
}

// Is says whether a switch is on.
func (s Settings) Is(name string) bool { return s.Text(name, "false") == "true" }

// Has says whether a flag was given at all.
func (s Settings) Has(name string) bool { return len(s.values[name]) > 0 }

// Disabled says whether a packaged component is switched off.
func (s Settings) Disabled(component string) bool {
	return slices.Contains(s.List("disable"), component)
}

// Ignored are the given flags that are documented and do nothing here.
func (s Settings) Ignored() []string {
	var names []string
	for name := range s.values {
		if !known(s.Role)[name].acted {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	return names
}
