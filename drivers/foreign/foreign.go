// Package foreign takes over what another program keeps: the folders of a
// libvirt, or what any connection lists. It only reads there.
package foreign

import (
	"context"
	"fmt"

	"virgo/drivers"
	"virgo/xml"
)

// Item is an object to be taken over.
type Item struct {
	Kind      drivers.Kind
	Name      string // for people; of a secret its UUID
	Source    xml.Source
	Autostart bool
	Value     []byte   // a secret's; nil: it has none, or none that can be had
	Variables string   // file of firmware variables that is to be copied, or ""
	Notes     []string // what stays behind
	Skip      string   // why it cannot be taken over, or ""
}

// Kinds are those that are taken over, in the order in which they are: what
// others name comes before them.
var Kinds = []drivers.Kind{drivers.Secret, drivers.NWFilter, drivers.Network, drivers.Pool, drivers.Domain}

// From lists what a connection has, definitions alone.
func From(ctx context.Context, conn drivers.Conn) ([]Item, error) {
	var out []Item
	for _, k := range Kinds {
		objects := conn.Objects(k)
		if objects == nil {
			continue
		}
		entries, err := objects.List(ctx, drivers.Filter{UUIDs: true})
		if xml.CodeOf(err) == xml.CodeNoSupport {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			out = append(out, read(ctx, objects, k, e))
		}
	}
	return out, nil
}

// read makes an item of a listed object.
func read(ctx context.Context, objects drivers.Objects, k drivers.Kind, e drivers.Entry) Item {
	it := Item{Kind: k, Name: e.Name, Autostart: e.Autostart}
	if k == drivers.Secret {
		it.Name = e.UUID
	} else if k != drivers.NWFilter && !e.Persistent {
		it.Skip = "it has no definition: it is there only as long as it runs"
		return it
	}
	flags := []drivers.Flags{0}
	switch k {
	case drivers.Domain:
		flags = []drivers.Flags{drivers.Inactive | drivers.SecurityInfo, drivers.Inactive}
	case drivers.Network, drivers.Pool:
		flags = []drivers.Flags{drivers.Inactive, 0}
	}
	var err error
	for i, f := range flags {
		if it.Source.Data, err = objects.XML(ctx, e.Ref, f); err == nil {
			if k == drivers.Domain && i > 0 {
				it.Notes = append(it.Notes, "its passwords stay behind: they may not be read")
			}
			break
		}
	}
	if err != nil {
		it.Skip = err.Error()
		return it
	}
	it.Source.Name = it.Name
	if e.ManagedSave {
		it.Notes = append(it.Notes, "its saved state stays behind")
	}
	if e.Snapshots > 0 {
		it.Notes = append(it.Notes, fmt.Sprintf("its snapshots (%d) stay behind", e.Snapshots))
	}
	if keeper, ok := objects.(drivers.SecretKeeper); ok && k == drivers.Secret {
		if it.Value, err = keeper.SecretValue(ctx, e.Ref); err != nil {
			it.Value, it.Notes = nil, append(it.Notes, "its value stays behind: "+err.Error())
		}
	}
	return it
}

// identity are the name and the UUID in a document.
func identity(k drivers.Kind, root *xml.Node) (name, uuid string) {
	if k == drivers.NWFilter {
		name, _ = root.Attr("name")
	} else if n := root.Child("name"); n != nil {
		name = n.Value()
	}
	if u := root.Child("uuid"); u != nil {
		uuid, _ = xml.ParseUUID(u.Value())
	}
	return name, uuid
}

// rootOf is the root element of a kind's documents.
func rootOf(k drivers.Kind) string {
	names := map[drivers.Kind]string{drivers.Secret: "secret", drivers.NWFilter: "filter", drivers.Network: "network", drivers.Pool: "pool", drivers.Domain: "domain"}
	return names[k]
}

// Noun names a kind for people.
func Noun(k drivers.Kind) string {
	if k == drivers.NWFilter {
		return "network filter"
	}
	return rootOf(k)
}

// taken tells what has the name or the UUID of a document already, "" if nothing does.
func taken(ctx context.Context, objects drivers.Objects, k drivers.Kind, name, uuid string) string {
	if k != drivers.Secret {
		if ref, err := objects.Lookup(ctx, drivers.ByName, name); err == nil {
			if uuid == "" || ref.UUID == uuid {
				return "it is defined already"
			}
			return "another " + Noun(k) + " is called so, with uuid " + ref.UUID
		}
	}
	if uuid == "" {
		return ""
	}
	ref, err := objects.Lookup(ctx, drivers.ByUUID, uuid)
	switch {
	case err != nil:
		return ""
	case k == drivers.Secret:
		return "it is defined already"
	}
	return "its uuid is that of '" + ref.Name + "'"
}
