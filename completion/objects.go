package completion

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"virgo/drivers"
	"virgo/drivers/keycode"
	"virgo/xml"
)

// Pools completes any storage pool.
func Pools(ctx context.Context, e Env) []Candidate {
	return objects(ctx, e, drivers.Pool, drivers.Filter{})
}

// ActivePools completes pools that are in use.
func ActivePools(ctx context.Context, e Env) []Candidate {
	return objects(ctx, e, drivers.Pool, drivers.Filter{Active: drivers.Yes})
}

// InactivePools completes pools that are not in use.
func InactivePools(ctx context.Context, e Env) []Candidate {
	return objects(ctx, e, drivers.Pool, drivers.Filter{Active: drivers.No})
}

// PersistentPools completes pools that have a definition.
func PersistentPools(ctx context.Context, e Env) []Candidate {
	return objects(ctx, e, drivers.Pool, drivers.Filter{Persistent: drivers.Yes})
}

// HostInterfaces completes any interface of the host.
func HostInterfaces(ctx context.Context, e Env) []Candidate {
	return objects(ctx, e, drivers.Interface, drivers.Filter{})
}

// ActiveHostInterfaces completes interfaces that are up.
func ActiveHostInterfaces(ctx context.Context, e Env) []Candidate {
	return objects(ctx, e, drivers.Interface, drivers.Filter{Active: drivers.Yes})
}

// InactiveHostInterfaces completes interfaces that are down.
func InactiveHostInterfaces(ctx context.Context, e Env) []Candidate {
	return objects(ctx, e, drivers.Interface, drivers.Filter{Active: drivers.No})
}

// InterfaceMACs completes the addresses of the host's interfaces.
func InterfaceMACs(ctx context.Context, e Env) []Candidate {
	return entries(ctx, e, drivers.Interface, nil, func(o drivers.Entry) (string, string) { return o.MAC, o.Name })
}

// NodeDevices completes any device of the host.
func NodeDevices(ctx context.Context, e Env) []Candidate {
	return objects(ctx, e, drivers.NodeDevice, drivers.Filter{})
}

// Secrets completes the UUIDs of secrets.
func Secrets(ctx context.Context, e Env) []Candidate {
	return entries(ctx, e, drivers.Secret, nil, func(o drivers.Entry) (string, string) {
		return o.UUID, strings.TrimSpace(o.UsageType + " " + o.Usage)
	})
}

// NWFilters completes network filters.
func NWFilters(ctx context.Context, e Env) []Candidate {
	return entries(ctx, e, drivers.NWFilter, nil, func(o drivers.Entry) (string, string) { return o.Name, o.UUID })
}

// NWFilterBindings completes the devices that filters are bound to.
func NWFilterBindings(ctx context.Context, e Env) []Candidate {
	return entries(ctx, e, drivers.NWFilterBinding, nil, func(o drivers.Entry) (string, string) { return o.Name, o.Filter })
}

// Volumes completes the volumes of the pool that was given.
func Volumes(ctx context.Context, e Env) []Candidate { return volumesOf(ctx, e, e.Value("pool")) }

// InputVolumes completes the volumes of the pool that was given as input.
func InputVolumes(ctx context.Context, e Env) []Candidate {
	return volumesOf(ctx, e, e.Value("inputpool"))
}

func volumesOf(ctx context.Context, e Env, name string) []Candidate {
	return inside(ctx, e, drivers.Pool, name, drivers.Volume, func(o drivers.Entry) (string, string) { return o.Name, o.Path })
}

// VolumeKeys completes the keys of the volumes of all pools in use.
func VolumeKeys(ctx context.Context, e Env) []Candidate {
	var out []Candidate
	for _, p := range ActivePools(ctx, e) {
		out = append(out, inside(ctx, e, drivers.Pool, p.Text, drivers.Volume, func(o drivers.Entry) (string, string) { return o.Path, p.Text })...)
	}
	return out
}

// NetworkUUIDs completes the UUIDs of networks.
func NetworkUUIDs(ctx context.Context, e Env) []Candidate {
	return entries(ctx, e, drivers.Network, nil, func(o drivers.Entry) (string, string) { return o.UUID, o.Name })
}

// NetworkPorts completes the ports of the network that was given.
func NetworkPorts(ctx context.Context, e Env) []Candidate {
	return inside(ctx, e, drivers.Network, e.Value("network"), drivers.NetworkPort, func(o drivers.Entry) (string, string) { return o.UUID, "" })
}

// inside lists the objects of a kind inside of a named one of another.
func inside(ctx context.Context, e Env, outer drivers.Kind, name string, kind drivers.Kind, show func(drivers.Entry) (string, string)) []Candidate {
	conn, err := e.Conn()
	if err != nil || conn.Objects(outer) == nil || name == "" {
		return nil
	}
	parent, err := conn.Objects(outer).Lookup(ctx, drivers.ByName, name)
	if err != nil {
		return nil
	}
	return entries(ctx, e, kind, &parent, show)
}

// entries lists the objects of a kind as show gives them.
func entries(ctx context.Context, e Env, kind drivers.Kind, parent *drivers.Ref, show func(drivers.Entry) (string, string)) []Candidate {
	conn, err := e.Conn()
	if err != nil || conn.Objects(kind) == nil {
		return nil
	}
	list, err := conn.Objects(kind).List(ctx, drivers.Filter{Parent: parent, UUIDs: true})
	if err != nil {
		return nil
	}
	var out []Candidate
	for _, o := range list {
		if text, help := show(o); text != "" {
			out = append(out, Candidate{text, help})
		}
	}
	return out
}

// PageSizes completes the sizes of the host's pages.
func PageSizes(ctx context.Context, e Env) []Candidate {
	var sizes []uint64
	for _, text := range ofHost(ctx, e, "/capabilities/host/topology/cells/cell/pages/@size") {
		if v, err := strconv.ParseUint(text, 10, 54); err == nil && !slices.Contains(sizes, v) {
			sizes = append(sizes, v)
		}
	}
	slices.Sort(sizes)
	var out []Candidate
	for _, v := range sizes {
		units := []string{"KiB", "MiB", "GiB"}
		for v%1024 == 0 && len(units) > 1 {
			v, units = v/1024, units[1:]
		}
		out = append(out, Candidate{strconv.FormatUint(v, 10) + units[0], ""})
	}
	return out
}

// Cells completes the numbers of the host's NUMA cells.
func Cells(ctx context.Context, e Env) []Candidate {
	var out []Candidate
	for _, id := range ofHost(ctx, e, "/capabilities/host/topology/cells/cell/@id") {
		out = append(out, Candidate{id, ""})
	}
	return out
}

// ofHost gives the attributes that an expression finds in the host's capabilities.
func ofHost(ctx context.Context, e Env, expr string) []string {
	conn, err := e.Conn()
	if err != nil {
		return nil
	}
	h, ok := conn.(drivers.Capabler)
	if !ok {
		return nil
	}
	doc, err := h.Capabilities(ctx)
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
	var out []string
	for _, n := range found {
		if len(n.Attrs) > 0 {
			out = append(out, n.Attrs[0].Value)
		}
	}
	return out
}

// Keys are the names of keys, in the codeset that was given.
func Keys(_ context.Context, e Env) []Candidate {
	set := e.Value("codeset")
	if set == "" {
		set = "linux"
	}
	var out []Candidate
	for _, name := range keycode.Names(set) {
		out = append(out, Candidate{Text: name})
	}
	return out
}
