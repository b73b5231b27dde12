package contract

import "strings"

// arguments reads the command line after the sub-command.
func arguments(sources Sources, refusals *Refusals) map[string][]string {
	flags := known(sources.Role)
	values := map[string][]string{}
	rest := sources.Arguments
	for len(rest) > 0 {
		argument := rest[0]
		rest = rest[1:]
		object := "argument `" + argument + "`"
		name, value, inline := strings.Cut(strings.TrimLeft(argument, "-"), "=")
		if !strings.HasPrefix(argument, "-") {
			refusals.add(object, page(sources.Role), "flags begin with dashes", "`k3s %s` takes no bare words", sources.Role)
			continue
		}
		name = longName(flags, name)
		row, ok := flags[name]
		if !ok {
			unknown(sources.Role, name, object, refusals)
			continue
		}
		switch {
		case row.kind == boolean && !inline:
			value = "true"
		case row.kind == boolean && value != "true" && value != "false":
			refusals.add(object, page(sources.Role), "write true or false", "`%s` is neither", value)
			continue
		case row.kind != boolean && !inline && len(rest) == 0:
			refusals.add(object, page(sources.Role), "put a value behind it", "it has no value")
			continue
		case row.kind != boolean && !inline:
			value, rest = rest[0], rest[1:]
		}
		checkValue(row, value, object, page(sources.Role), refusals)
		values[name] = append(values[name], value)
	}
	return values
}

func longName(flags map[string]flag, name string) string {
	for long, row := range flags {
		if row.short != "" && row.short == name {
			return long
		}
	}
	return name
}
