package completion

import (
	"context"
	"strings"

	"virgo/drivers"
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

// InactiveNodeDevices completes devices that are defined and not there.
func InactiveNodeDevices(ctx context.Context, e Env) []Candidate {
	return objects(ctx, e, drivers.NodeDevice, drivers.Filter{Active: drivers.No})
}

// PersistentNodeDevices completes devices that have a definition.
func PersistentNodeDevices(ctx context.Context, e Env) []Candidate {
	return objects(ctx, e, drivers.NodeDevice, drivers.Filter{Persistent: drivers.Yes})
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
