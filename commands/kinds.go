package commands

import (
	"context"
	"slices"
	"strconv"
	"strings"

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
	lookup string // of the peer's function that finds one, "LookupByName" if empty
	ids    bool   // objects have ids
	uuids  bool   // objects have UUIDs
	only   bool   // UUIDs are all that they can be named by
	keys   bool   // objects have keys, too: words with a colon
	// terse: a look-up that fails says no more than that.
	terse bool
	says  []saying // what the verbs say where it is not the usual
	// uncounted are the words and the peer's function where a driver keeps none of
	// the kind: of the active objects, and of the inactive ones if they are apart.
	uncounted, undefined [2]string

	any, active, inactive, persistent completion.Func
}

// saying is what a verb says: the action in JSON, the message of success and
// that of failure, in which {T} and {t} are the kind, {n} the object, {f} the file.
type saying struct{ verb, action, done, failed string }

// usual is what verbs say of most kinds.
var usual = []saying{
	{"autostart", "autostarted", "{T} {n} marked as autostarted", "failed to mark {t} {n} as autostarted"},
	{"build", "built", "{T} {n} built", "Failed to build {t} {n}"},
	{"create", "created", "{T} {n} created from {f}", "Failed to create {t} from {f}"},
	{"define", "defined", "{T} {n} defined from {f}", "Failed to define {t} from {f}"},
	{"delete", "deleted", "{T} {n} deleted", "Failed to delete {t} {n}"},
	{"destroy", "destroyed", "{T} {n} destroyed", "Failed to destroy {t} {n}"},
	{"detach", "detached", "{T} {n} detached", "Failed to detach {t} {n}"},
	{"find", "", "", "failed to get {t} '{n}'"},
	{"no-autostart", "not autostarted", "{T} {n} unmarked as autostarted", "failed to unmark {t} {n} as autostarted"},
	{"reattach", "reattached", "{T} {n} re-attached", "Failed to re-attach {t} {n}"},
	{"refresh", "refreshed", "{T} {n} refreshed", "Failed to refresh {t} {n}"},
	{"reset", "reset", "{T} {n} was reset", "Failed to reset {t} {n}"},
	{"start", "started", "{T} {n} started", "Failed to start {t} {n}"},
	{"undefine", "undefined", "{T} {n} has been undefined", "Failed to undefine {t} {n}"},
}

// The kinds whose commands share their verbs. A new kind is a row here.
var (
	domainKind = &kind{Kind: drivers.Domain, option: "domain", noun: "domain", title: "Domain", quote: "'", api: "virDomain",
		ids: true, uuids: true, terse: true, any: completion.Domains, active: completion.ActiveDomains,
		inactive: completion.InactiveDomains, persistent: completion.PersistentDomains}
	networkKind = &kind{Kind: drivers.Network, prefix: "net-", option: "network", noun: "network", title: "Network", api: "virNetwork",
		uuids: true, uncounted: [2]string{"Failed to get the number of active networks", "virConnectNumOfNetworks"},
		undefined: [2]string{"Failed to get the number of inactive networks", "virConnectNumOfDefinedNetworks"},
		any:       completion.Networks, active: completion.ActiveNetworks,
		inactive: completion.InactiveNetworks, persistent: completion.PersistentNetworks}
	portKind = &kind{Kind: drivers.NetworkPort, prefix: "net-port-", option: "port", noun: "network port", title: "Network port", api: "virNetworkPort",
		lookup: "LookupByUUID", uuids: true, any: completion.NetworkPorts}
	poolKind = &kind{Kind: drivers.Pool, prefix: "pool-", option: "pool", noun: "pool", title: "Pool", api: "virStoragePool",
		uuids: true, uncounted: [2]string{"Failed to get the number of active pools ", "virConnectNumOfStoragePools"},
		undefined: [2]string{"Failed to get the number of inactive pools", "virConnectNumOfDefinedStoragePools"},
		any:       completion.Pools, active: completion.ActivePools,
		inactive: completion.InactivePools, persistent: completion.PersistentPools}
	volumeKind = &kind{Kind: drivers.Volume, prefix: "vol-", option: "vol", noun: "vol", title: "Vol", api: "virStorageVol",
		lookup: "LookupByPath", any: completion.Volumes}
	interfaceKind = &kind{Kind: drivers.Interface, prefix: "iface-", option: "interface", noun: "interface", title: "Interface", api: "virInterface",
		keys: true, uncounted: [2]string{"Failed to list active interfaces", "virConnectNumOfInterfaces"},
		undefined: [2]string{"Failed to list inactive interfaces", "virConnectNumOfDefinedInterfaces"},
		any:       completion.HostInterfaces, active: completion.ActiveHostInterfaces,
		inactive: completion.InactiveHostInterfaces, persistent: completion.HostInterfaces,
		says: []saying{{"undefine", "undefined", "Interface {n} undefined", "Failed to undefine interface {n}"}}}
	deviceKind = &kind{Kind: drivers.NodeDevice, prefix: "nodedev-", option: "device", noun: "device", title: "Device", api: "virNodeDevice",
		uncounted: [2]string{"Failed to count node devices", "virNodeNumOfDevices"},
		any:       completion.NodeDevices, active: completion.NodeDevices, inactive: completion.NodeDevices, persistent: completion.NodeDevices,
		says: []saying{
			{"create", "created", "Node device {n} created from {f}", "Failed to create node device from {f}"},
			{"define", "defined", "Node device '{n}' defined from '{f}'", "Failed to define node device from '{f}'"},
			{"destroy", "destroyed", "Destroyed node device '{n}'", "Failed to destroy node device '{n}'"},
			{"find", "", "", "Could not find matching device '{n}'"},
			{"undefine", "undefined", "Undefined node device '{n}'", "Failed to undefine node device '{n}'"},
		}}
	secretKind = &kind{Kind: drivers.Secret, prefix: "secret-", option: "secret", noun: "secret", title: "Secret", api: "virSecret",
		lookup: "LookupByUUID", uuids: true, only: true, uncounted: [2]string{"Failed to count secrets", "virConnectNumOfSecrets"},
		any: completion.Secrets, persistent: completion.Secrets,
		says: []saying{
			{"define", "defined", "Secret {n} created", "Failed to set attributes from {f}"},
			{"undefine", "undefined", "Secret {n} deleted", "Failed to delete secret {n}"},
		}}
	filterKind = &kind{Kind: drivers.NWFilter, prefix: "nwfilter-", option: "nwfilter", noun: "network filter", title: "Network filter", api: "virNWFilter",
		uuids: true, uncounted: [2]string{"Failed to count network filters", "virConnectNumOfNWFilters"},
		any: completion.NWFilters, persistent: completion.NWFilters,
		says: []saying{
			{"find", "", "", "failed to get nwfilter '{n}'"},
			{"undefine", "undefined", "Network filter {n} undefined", "Failed to undefine network filter {n}"},
		}}
	bindingKind = &kind{Kind: drivers.NWFilterBinding, prefix: "nwfilter-binding-", option: "binding", noun: "network filter binding",
		title: "Network filter binding", api: "virNWFilterBinding", lookup: "LookupByPortDev", uncounted: [2]string{"Failed to list network filter bindings", "virConnectListAllNWFilterBindings"},
		any: completion.NWFilterBindings,
		says: []saying{
			{"create", "created", "Network filter binding on {n} created from {f}", "Failed to create network filter from {f}"},
			{"delete", "deleted", "Network filter binding on {n} deleted", "Failed to delete network filter binding on {n}"},
			{"find", "", "", "failed to get nwfilter binding '{n}'"},
		}}
)

// named is an object's name as messages show it.
func (k *kind) named(name string) string { return k.quote + name + k.quote }

// one is the noun behind its article.
func (k *kind) one() string {
	if strings.ContainsRune("aeiou", rune(k.noun[0])) {
		return "an " + k.noun
	}
	return "a " + k.noun
}

// said is what a verb says of the kind.
func (k *kind) said(verb string) saying {
	for _, list := range [][]saying{k.says, usual} {
		for _, s := range list {
			if s.verb == verb {
				return s
			}
		}
	}
	return saying{verb: verb}
}

// say fills in a message; a name that stands in quotes there gets no more of them.
func (k *kind) say(format, name, file string) string {
	return strings.NewReplacer("{T}", k.title, "{t}", k.noun, "'{n}'", "'"+name+"'", "{n}", k.named(name), "{f}", file).Replace(format)
}

// fail is the error of a verb.
func (k *kind) fail(verb string, err error, name, file string) error {
	f := &Failure{Text: k.say(k.said(verb).failed, name, file), Err: err}
	if verb == "find" {
		f.kind, f.word = k, name
	}
	return f
}

// succeed tells that a verb has done its work. word is what the object was
// called by.
func (k *kind) succeed(c *Call, verb string, ref drivers.Ref, word, file string) {
	s := k.said(verb)
	c.Emit(k.done(ref, s.action, "%s", k.say(s.done, word, file)))
}

// help says what an option that names an object takes.
func (k *kind) help() string {
	switch {
	case k.ids:
		return "name, id or UUID of the " + k.noun
	case k.only:
		return "UUID of the " + k.noun
	case k.uuids:
		return "name or UUID of the " + k.noun
	case k.Kind == drivers.Volume:
		return "name, key or path of the volume"
	}
	return "name of the " + k.noun
}

// object is the option that names an object of the kind.
func (k *kind) object(f completion.Func) Option {
	o := str(k.option, RP, k.help()).with(f)
	if !k.only && k.Kind != drivers.Volume && k.Kind != drivers.NetworkPort { // those are named by more than a word
		o.object = k
	}
	return o
}

// objects gives the connection's objects of the kind.
func (k *kind) objects(ctx context.Context, c *Call) (drivers.Objects, error) {
	conn, err := c.Conn(ctx)
	if err != nil {
		return nil, err
	}
	if o := conn.Objects(k.Kind); o != nil {
		return o, nil
	}
	return k.none()
}

// none is the answer of a driver that keeps none of the kind.
func (k *kind) none() (drivers.Objects, error) {
	lookup := k.lookup
	if lookup == "" {
		lookup = "LookupByName"
	}
	return nil, drivers.Unsupported(k.api + lookup)
}

// unsupportedLookup is the error where a driver keeps none of the kind; nil if
// the word could not be looked up anyway.
func (k *kind) unsupportedLookup(word string, how by) error {
	key := k.key(word) != ""
	switch {
	case key && how&byKey != 0 && k.Kind == drivers.NodeDevice:
		return drivers.Unsupported(k.api + "LookupSCSIHostByWWN")
	case key && how&byKey != 0:
		return drivers.Unsupported(k.api + "LookupByMACString")
	case how&byName == 0 && (how&byUUID == 0 || !k.uuids || len(word) != 36):
		return nil
	}
	_, err := k.none()
	return err
}

// key is the key that a word is, "" if it is none.
func (k *kind) key(word string) string {
	key := ""
	switch {
	case k.keys:
		key, _ = xml.ParseMAC(word)
	case k.Kind == drivers.NodeDevice && strings.Contains(word, ","):
		key = word
	}
	return key
}

// list lists the objects that a filter lets through.
func (k *kind) list(ctx context.Context, c *Call, f drivers.Filter) (drivers.Objects, []drivers.Entry, error) {
	objects, err := k.objects(ctx, c)
	var entries []drivers.Entry
	listed := err == nil
	if listed {
		entries, err = objects.List(ctx, f)
	}
	switch {
	case xml.CodeOf(err) == xml.CodeNoSupport && k.uncounted[0] != "":
		say := k.uncounted
		if f.Active == drivers.No && k.undefined[0] != "" {
			say = k.undefined
		}
		return nil, nil, failed(drivers.Unsupported(say[1]), "%s", say[0])
	case err != nil && listed:
		return nil, nil, failed(err, "Failed to list %ss", k.noun)
	case err != nil:
		return nil, nil, err
	}
	sortEntries(entries)
	return objects, entries, nil
}

// sortEntries puts entries into virsh's order: what runs by its id, then by the
// name without regard to case.
func sortEntries(list []drivers.Entry) {
	slices.SortStableFunc(list, func(a, b drivers.Entry) int { return compareRefs(a.Ref, b.Ref) })
}

func compareRefs(a, b drivers.Ref) int {
	switch {
	case a.ID >= 0 && b.ID >= 0:
		return a.ID - b.ID
	case a.ID >= 0:
		return -1
	case b.ID >= 0:
		return 1
	}
	return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
}

// by says what a word that names an object may be.
type by uint8

const (
	byID by = 1 << iota
	byUUID
	byName
	byKey
	byAny = byID | byUUID | byName | byKey
)

// find looks up the object that the kind's option names.
func (k *kind) find(ctx context.Context, c *Call, how by) (drivers.Objects, drivers.Ref, error) {
	return k.findWord(ctx, c, k.option, c.Str(k.option), how)
}

// findWord looks up an object: by id, then UUID, then name.
func (k *kind) findWord(ctx context.Context, c *Call, option, word string, how by) (drivers.Objects, drivers.Ref, error) {
	c.Debugf(1, "%s: found option <%s>: %s", c.Command.Name, option, word)
	if wwnn, wwpn, pair := strings.Cut(word, ","); pair && k.Kind == drivers.NodeDevice {
		for _, w := range []string{wwnn, wwpn} {
			if err := xml.CheckWWN(w); err != nil {
				return nil, drivers.Ref{}, err
			}
		}
	}
	if _, ok := xml.ParseUUID(word); !ok && k.only {
		return nil, drivers.Ref{}, k.fail("find", xml.Bare(xml.CodeInvalidArg, "uuidstr in virSecretLookupByUUIDString must be a valid UUID"), word, "")
	}
	objects, err := k.objects(ctx, c)
	if err != nil {
		if xml.CodeOf(err) == xml.CodeNoSupport {
			err = k.fail("find", k.unsupportedLookup(word, how), word, "")
		}
		return nil, drivers.Ref{}, err
	}
	ref, err := k.resolve(ctx, c, objects, option, word, how)
	if err == nil {
		return objects, ref, nil
	}
	if k.terse && notFound(err) || err == errNoWay {
		err = nil
	}
	return nil, drivers.Ref{}, k.fail("find", err, word, "")
}

// resolve looks a word up in the ways that it can be meant.
func (k *kind) resolve(ctx context.Context, c *Call, objects drivers.Objects, option, word string, how by) (ref drivers.Ref, err error) {
	err = errNoWay
	if how&byID != 0 && k.ids {
		if id, e := strconv.ParseInt(word, 10, 32); e == nil && id >= 0 {
			c.Debugf(0, "%s: <%s> looks like ID", c.Command.Name, option)
			ref, err = objects.Lookup(ctx, drivers.ByID, strconv.FormatInt(id, 10))
		}
	}
	if err != nil && how&byUUID != 0 && k.uuids && (len(word) == 36 || k.only) {
		c.Debugf(0, "%s: <%s> trying as %s UUID", c.Command.Name, option, k.noun)
		if uuid, ok := xml.ParseUUID(word); ok {
			ref, err = objects.Lookup(ctx, drivers.ByUUID, uuid)
		}
	}
	key := k.key(word)
	switch {
	case err != nil && key != "" && how&byKey != 0:
		c.Debugf(0, "%s: <%s> trying as %s MAC", c.Command.Name, option, k.noun)
		return objects.Lookup(ctx, drivers.ByKey, key)
	case err != nil && key == "" && how&byName != 0 && !k.only:
		c.Debugf(0, "%s: <%s> trying as %s NAME", c.Command.Name, option, k.noun)
		return objects.Lookup(ctx, drivers.ByName, word)
	}
	return ref, err
}

// errNoWay says that a word could not be looked up in any way.
var errNoWay = xml.Errorf(xml.CodeInvalidArg, "no way to look it up")

// notFound tells whether an error says that there is no such object.
func notFound(err error) bool {
	switch xml.CodeOf(err) {
	case xml.CodeNoDomain, xml.CodeNoNetwork, xml.CodeNoPool, xml.CodeNoVolume, xml.CodeNoNodeDevice, xml.CodeNoInterface,
		xml.CodeNoNWFilter, xml.CodeNoSecret, xml.CodeNoBinding, xml.CodeNoNetworkPort:
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

// findChild looks up the object that the kind's option names inside of the one
// that the outer kind's option names.
func (k *kind) findChild(ctx context.Context, c *Call, outer *kind) (drivers.Objects, drivers.Ref, error) {
	_, parent, err := outer.find(ctx, c, byAny)
	if err != nil {
		return nil, drivers.Ref{}, outer.fail("find", nil, c.Str(outer.option), "")
	}
	word := c.Str(k.option)
	var ref drivers.Ref
	objects, err := k.objects(ctx, c)
	if err == nil {
		var d drivers.ChildFinder
		if d, err = query[drivers.ChildFinder](objects, k.api+k.lookup); err == nil {
			ref, err = d.Child(ctx, parent, word)
		}
	}
	if err != nil {
		return nil, ref, k.fail("find", nil, word, "")
	}
	return objects, ref, nil
}
