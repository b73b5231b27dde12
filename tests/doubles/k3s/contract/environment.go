package contract

import "strings"

// variables reads the environment. Only names with the prefix of k3s are looked at: others belong to other programs.
func variables(sources Sources, refusals *Refusals) map[string][]string {
	names := map[string]string{}
	for name, row := range known(sources.Role) {
		if row.variable != "" {
			names[row.variable] = name
		}
	}
	values := map[string][]string{}
	for _, entry := range sources.Environment {
		variable, value, _ := strings.Cut(entry, "=")
		name, ok := names[variable]
		object := "variable `" + variable + "`"
		switch {
		case ok && value != "":
			row := known(sources.Role)[name]
			checkValue(row, value, object, page(sources.Role), refusals)
			values[name] = []string{value}
		case ok:
			// An empty one counts as not set.
		case variable == "K3S_CLUSTER_SECRET":
			refusals.add(object, page(sources.Role), "use K3S_TOKEN", "it is deprecated")
		case strings.HasPrefix(variable, "INSTALL_K3S_"):
			refusals.add(object, PageVariables, "leave it out", "it speaks to the install script, and the image does not run that")
		case strings.HasPrefix(variable, "K3S_"):
			refusals.add(object, page(sources.Role), "leave it out", "`k3s %s` reads no such variable", sources.Role)
		}
	}
	return values
}
