package commands

import (
	"context"
	"strconv"

	"virgo/completion"
	"virgo/drivers"
	"virgo/xml"
)

// kind is one of the kinds of objects, as commands see it: a row of the table
// that the shared verbs work from.
type kind struct {
	drivers.Kind
	prefix string // of its commands: "net-"
	option string // that names an object: "network"
	noun   string // in messages: "network"
	title  string // at the start of messages: "Network"
	quote  string // around names in messages
	api    string // of the peer's functions: "virNetwork"
	ids    bool   // objects have ids
	uuids  bool   // objects have UUIDs
	// terse: a look-up that fails says no more than that.
	terse bool

	any, active, inactive, persistent completion.Func
}

// The kinds whose commands share their verbs. A new kind is a row here.
var (
	domainKind = &kind{Kind: drivers.Domain, option: "domain", noun: "domain", title: "Domain", quote: "'", api: "virDomain",
		ids: true, uuids: true, terse: true, any: completion.Domains, active: completion.ActiveDomains,
		inactive: completion.InactiveDomains, persistent: completion.PersistentDomains}
	networkKind = &kind{Kind: drivers.Network, prefix: "net-", option: "network", noun: "network", title: "Network", api: "virNetwork",
		uuids: true, any: completion.Networks, active: completion.ActiveNetworks,
		inactive: completion.InactiveNetworks, persistent: completion.PersistentNetworks}
)

// named is an object's name as messages show it.
func (k *kind) named(name string) string { return k.quote + name + k.quote }

// help says what an option that names an object takes.
func (k *kind) help() string {
	switch {
	case k.ids:
		return "name, id or UUID of the " + k.noun
	case k.uuids:
		return "name or UUID of the " + k.noun
	}
	return "name of the " + k.noun
}

// object is the option that names an object of the kind.
func (k *kind) object(f completion.Func) Option { return str(k.option, RP, k.help()).with(f) }

// objects gives the connection's objects of the kind.
func (k *kind) objects(ctx context.Context, c *Call) (drivers.Objects, error) {
	conn, err := c.Conn(ctx)
	if err != nil {
		return nil, err
	}
	if o := conn.Objects(k.Kind); o != nil {
		return o, nil
	}
	return nil, drivers.Unsupported(k.api + "LookupByName")
}

// by says what a word that names an object may be.
type by uint8

const (
	byID by = 1 << iota
	byUUID
	byName
	byAny = byID | byUUID | byName
)

// find looks up the object that the kind's option names.
func (k *kind) find(ctx context.Context, c *Call, how by) (drivers.Objects, drivers.Ref, error) {
	return k.findWord(ctx, c, k.option, c.Str(k.option), how)
}

// findWord looks up an object: by id, then UUID, then name.
func (k *kind) findWord(ctx context.Context, c *Call, option, word string, how by) (drivers.Objects, drivers.Ref, error) {
	c.Debugf(1, "%s: found option <%s>: %s", c.Command.Name, option, word)
	objects, err := k.objects(ctx, c)
	if err != nil {
		if xml.CodeOf(err) == xml.CodeNoSupport {
			err = failed(err, "failed to get %s '%s'", k.noun, word)
		}
		return nil, drivers.Ref{}, err
	}
	var ref drivers.Ref
	err = errNoWay
	if how&byID != 0 && k.ids {
		if id, e := strconv.ParseInt(word, 10, 32); e == nil && id >= 0 {
			c.Debugf(0, "%s: <%s> looks like ID", c.Command.Name, option)
			ref, err = objects.Lookup(ctx, drivers.ByID, strconv.FormatInt(id, 10))
		}
	}
	if err != nil && how&byUUID != 0 && k.uuids && len(word) == 36 {
		c.Debugf(0, "%s: <%s> trying as %s UUID", c.Command.Name, option, k.noun)
		if uuid, ok := xml.ParseUUID(word); ok {
			ref, err = objects.Lookup(ctx, drivers.ByUUID, uuid)
		}
	}
	if err != nil && how&byName != 0 {
		c.Debugf(0, "%s: <%s> trying as %s NAME", c.Command.Name, option, k.noun)
		ref, err = objects.Lookup(ctx, drivers.ByName, word)
	}
	if err == nil {
		return objects, ref, nil
	}
	if k.terse && notFound(err) || err == errNoWay {
		err = nil
	}
	return nil, drivers.Ref{}, failed(err, "failed to get %s '%s'", k.noun, word)
}

// errNoWay says that a word could not be looked up in any way.
var errNoWay = xml.Errorf(xml.CodeInvalidArg, "no way to look it up")

// notFound tells whether an error says that there is no such object.
func notFound(err error) bool {
	switch xml.CodeOf(err) {
	case xml.CodeNoDomain, xml.CodeNoNetwork:
		return true
	}
	return false
}

// noMetadata tells whether an error says that there is no such metadata.
func noMetadata(err error) bool { return xml.CodeOf(err) == xml.CodeNoMetadata }

// Domain looks up the domain of the option of that name.
func (c *Call) Domain(ctx context.Context) (drivers.Objects, drivers.Ref, error) {
	return domainKind.find(ctx, c, byAny)
}
