package argv

import (
	"sort"
	"strings"
)

// groups are the names of options in files of -readconfig where they differ
// from those on the command line.
var groups = map[string]string{"acpi": "acpitable", "boot-opts": "boot", "memory": "m", "smp-opts": "smp"}

// optReadConfig reads a file of options: [group "id"] and lines key = "value".
func (r *reader) optReadConfig(w word) {
	path := r.absolute(w.arg)
	if r.o.Read == nil {
		r.pass("what the file says was not read; it may disagree with the definition", w.name, path)
		return
	}
	data, err := r.o.Read(path)
	if err != nil {
		r.pass("the file could not be read; it may disagree with the definition", w.name, path)
		return
	}
	group, args := "", []string(nil)
	flush := func() {
		if group != "" && r.err == nil {
			r.group(w, group, strings.Join(args, ","))
		}
		group, args = "", nil
	}
	for i, line := range strings.Split(string(data), "\n") {
		line = strings.TrimSpace(line)
		key, value, pair := strings.Cut(line, "=")
		head, isHead := strings.CutPrefix(line, "[")
		switch {
		case line == "" || line[0] == '#':
		case isHead && strings.HasSuffix(head, "]"):
			flush()
			name, id, named := strings.Cut(strings.TrimSuffix(head, "]"), " ")
			if group = name; named {
				args = append(args, "id="+doubled(strings.Trim(id, ` "`)))
			}
		case pair && group != "":
			args = append(args, strings.TrimSpace(key)+"="+doubled(strings.Trim(strings.TrimSpace(value), `"`)))
		default:
			r.err = w.fail(path + ", line " + utoa(uint(i+1)) + ": neither a group nor a property of one")
			return
		}
	}
	flush()
}

// doubled is a value in a list of properties.
func doubled(value string) string { return strings.ReplaceAll(value, ",", ",,") }

// group reads one group as the option that it stands for.
func (r *reader) group(w word, group, arg string) {
	name := group
	if n, ok := groups[group]; ok {
		name = n
	}
	at := sort.Search(len(options), func(i int) bool { return options[i].name >= name })
	if at == len(options) || options[at].name != name || !options[at].arg || name == "readconfig" {
		r.note("left out: [%s] of %s (the group is not known here)", group, w.arg)
		return
	}
	r.option(&options[at], word{name: "-" + name, arg: arg, line: w.line})
}
