// Package completion knows what words an option may take: the names of a
// connection's objects, the parts of a domain, files. Its scripts bring this
// into bash and zsh. Which option is being completed is decided in commands.
package completion

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"virgo/drivers"
	"virgo/xml"
)

// Candidate is one word that may follow, with what is said beside it.
type Candidate struct{ Text, Help string }

// Env is what a completer can look at.
type Env struct {
	Conn  func() (drivers.Conn, error) // opened when first asked for; nil without one
	Value func(option string) string   // what an option of the same command was given
	Word  string                       // the word so far
	Rich  bool                         // files are wanted, too
	// Commands lists the commands themselves.
	Commands func() []Candidate
}

// Func finds candidates. They need not begin with the word: the caller looks.
type Func func(context.Context, Env) []Candidate

// objects lists the objects of a kind.
func objects(ctx context.Context, e Env, kind drivers.Kind, f drivers.Filter) []Candidate {
	conn, err := e.Conn()
	if err != nil {
		return nil
	}
	objs := conn.Objects(kind)
	if objs == nil {
		return nil
	}
	entries, err := objs.List(ctx, f)
	if err != nil {
		return nil
	}
	out := make([]Candidate, 0, len(entries))
	for _, o := range entries {
		help := "inactive"
		switch {
		case kind == drivers.Domain:
			help = o.State.String()
		case o.Active:
			help = "active"
		}
		out = append(out, Candidate{o.Name, help})
	}
	return out
}

// Domains completes any domain.
func Domains(ctx context.Context, e Env) []Candidate {
	return objects(ctx, e, drivers.Domain, drivers.Filter{})
}

// ActiveDomains completes domains that run.
func ActiveDomains(ctx context.Context, e Env) []Candidate {
	return objects(ctx, e, drivers.Domain, drivers.Filter{Active: drivers.Yes})
}

// InactiveDomains completes domains that do not run.
func InactiveDomains(ctx context.Context, e Env) []Candidate {
	return objects(ctx, e, drivers.Domain, drivers.Filter{Active: drivers.No})
}

// PersistentDomains completes domains that have a definition.
func PersistentDomains(ctx context.Context, e Env) []Candidate {
	return objects(ctx, e, drivers.Domain, drivers.Filter{Persistent: drivers.Yes})
}

// RunningDomains completes domains whose vCPUs run.
func RunningDomains(ctx context.Context, e Env) []Candidate {
	return objects(ctx, e, drivers.Domain, drivers.Filter{States: []drivers.State{drivers.Running}})
}

// PausedDomains completes domains whose vCPUs are stopped.
func PausedDomains(ctx context.Context, e Env) []Candidate {
	return objects(ctx, e, drivers.Domain, drivers.Filter{States: []drivers.State{drivers.PausedState, drivers.PMSuspended}})
}

// Networks completes any network.
func Networks(ctx context.Context, e Env) []Candidate {
	return objects(ctx, e, drivers.Network, drivers.Filter{})
}

// ActiveNetworks completes networks that are up.
func ActiveNetworks(ctx context.Context, e Env) []Candidate {
	return objects(ctx, e, drivers.Network, drivers.Filter{Active: drivers.Yes})
}

// InactiveNetworks completes networks that are down.
func InactiveNetworks(ctx context.Context, e Env) []Candidate {
	return objects(ctx, e, drivers.Network, drivers.Filter{Active: drivers.No})
}

// PersistentNetworks completes networks that have a definition.
func PersistentNetworks(ctx context.Context, e Env) []Candidate {
	return objects(ctx, e, drivers.Network, drivers.Filter{Persistent: drivers.Yes})
}

// Free says that an option takes any word: there is nothing to offer.
func Free(context.Context, Env) []Candidate { return nil }

// Commands completes the name of a command.
func Commands(_ context.Context, e Env) []Candidate { return e.Commands() }

// Files completes a file's name, where the shell around does not.
func Files(_ context.Context, e Env) []Candidate {
	if !e.Rich {
		return nil
	}
	dir, _ := filepath.Split(e.Word)
	at := dir
	if at == "" {
		at = "."
	}
	entries, err := os.ReadDir(at)
	if err != nil {
		return nil
	}
	var out []Candidate
	for _, f := range entries {
		name, help := dir+f.Name(), "file"
		if f.Name()[0] == '.' && !strings.HasPrefix(e.Word[len(dir):], ".") {
			continue
		}
		if info, err := os.Stat(filepath.Join(at, f.Name())); err == nil && info.IsDir() {
			name, help = name+"/", "folder"
		}
		out = append(out, Candidate{name, help})
	}
	return out
}

// Snapshots completes the snapshots of the domain that was given.
func Snapshots(ctx context.Context, e Env) []Candidate { return moments(ctx, e, drivers.Snapshot) }

// Checkpoints completes the checkpoints of the domain that was given.
func Checkpoints(ctx context.Context, e Env) []Candidate { return moments(ctx, e, drivers.Checkpoint) }

// moments lists what hangs on a domain.
func moments(ctx context.Context, e Env, kind drivers.Kind) []Candidate {
	conn, err := e.Conn()
	if err != nil || conn.Objects(drivers.Domain) == nil || conn.Objects(kind) == nil {
		return nil
	}
	dom, err := conn.Objects(drivers.Domain).Lookup(ctx, drivers.ByName, e.Value("domain"))
	if err != nil {
		return nil
	}
	entries, err := conn.Objects(kind).List(ctx, drivers.Filter{Parent: &dom})
	if err != nil {
		return nil
	}
	var out []Candidate
	for _, m := range entries {
		out = append(out, Candidate{m.Name, ""})
	}
	return out
}

// VCPUs completes the numbers of a domain's virtual CPUs.
func VCPUs(ctx context.Context, e Env) []Candidate {
	conn, err := e.Conn()
	if err != nil || conn.Objects(drivers.Domain) == nil {
		return nil
	}
	d, ok := conn.Objects(drivers.Domain).(drivers.VCPUer)
	if !ok {
		return nil
	}
	dom, err := conn.Objects(drivers.Domain).Lookup(ctx, drivers.ByName, e.Value("domain"))
	if err != nil {
		return nil
	}
	n, err := d.VCPUCount(ctx, dom, true, false, 0)
	if err != nil {
		return nil
	}
	var out []Candidate
	for i := range n {
		out = append(out, Candidate{strconv.Itoa(i), ""})
	}
	return out
}

// Disks completes the targets of a domain's disks.
func Disks(ctx context.Context, e Env) []Candidate {
	return fromXML(ctx, e, "/domain/devices/disk/target/@dev")
}

// Interfaces completes the addresses of a domain's interfaces.
func Interfaces(ctx context.Context, e Env) []Candidate {
	return fromXML(ctx, e, "/domain/devices/interface/mac/@address")
}

// Aliases completes the aliases of a domain's devices.
func Aliases(ctx context.Context, e Env) []Candidate {
	return fromXML(ctx, e, "/domain/devices/*/alias/@name")
}

// ThrottleGroups completes the groups of a domain's disks' limits.
func ThrottleGroups(ctx context.Context, e Env) []Candidate {
	return fromXML(ctx, e, "/domain/throttlegroups/throttlegroup/group_name")
}

// fromXML completes values of the document of the domain that was given.
func fromXML(ctx context.Context, e Env, expr string) []Candidate {
	conn, err := e.Conn()
	if err != nil || conn.Objects(drivers.Domain) == nil {
		return nil
	}
	objects := conn.Objects(drivers.Domain)
	dom, err := objects.Lookup(ctx, drivers.ByName, e.Value("domain"))
	if err != nil {
		return nil
	}
	doc, err := objects.XML(ctx, dom, 0)
	if err != nil {
		return nil
	}
	root, err := xml.Parse(xml.Source{Data: doc})
	if err != nil {
		return nil
	}
	found, err := root.Find(expr)
	if err != nil {
		return nil
	}
	var out []Candidate
	for _, n := range found {
		if len(n.Attrs) > 0 {
			out = append(out, Candidate{n.Attrs[0].Value, ""})
		} else if text := n.Value(); text != "" {
			out = append(out, Candidate{text, ""})
		}
	}
	return out
}
