package xml

import (
	"slices"
	"strconv"
	"strings"
)

// DecodeNode reads a disk: first what its source says, of which the type of the
// disk decides what counts. The policy for a missing file is read with the disk.
func (d *Disk) DecodeNode(n *Node) error {
	kind, _ := n.Attr("type")
	rest, err := decodeSource(n, kind, &d.Source)
	if err != nil {
		return err
	}
	if s := d.Source; s != nil && s.Encryption != nil && n.Child("encryption") != nil {
		return Errorf(CodeConfigUnsupported, "an <encryption> definition already found for disk source")
	}
	if s := d.Source; s != nil && s.Auth != nil && n.Child("auth") != nil {
		return Errorf(CodeConfigUnsupported, "an <auth> definition already found for disk source")
	}
	if c := n.Child("source"); d.Source != nil && c != nil {
		if err := d.decodePolicy(n, c); err != nil {
			return err
		}
	}
	return DecodeFields(rest, d)
}

// decodePolicy reads what happens when the image is missing, once the disk's own
// attributes are read.
func (d *Disk) decodePolicy(n, source *Node) error {
	policy, given := source.Attr("startupPolicy")
	if !given {
		return nil
	}
	first := n.without(func(name string, attr bool) bool {
		return !slices.Contains([]string{"encryption", "auth", "backingStore", "device", "model", "snapshot", "rawio", "sgio"}, name)
	})
	if err := DecodeFields(first, d); err != nil {
		return err
	}
	only := &Node{Name: source.Name, Attrs: []Attr{{Name: "startupPolicy", Value: policy}}}
	return located(DecodeFields(only, d.Source), source)
}

// DecodeNode reads the image below. Without a type it is none, whatever is inside.
func (b *BackingStore) DecodeNode(n *Node) error {
	kind, given := n.Attr("type")
	if !given {
		return nil
	}
	if err := wholeImage(n, "disk backing store", "disk backing store"); err != nil {
		return err
	}
	return decodeAround(n, kind, &b.Source, b)
}

// DecodeNode reads where the data of an image lie.
func (d *DataStore) DecodeNode(n *Node) error {
	kind, given := n.Attr("type")
	if !given {
		return Errorf(CodeXML, "Missing required attribute 'type' in element '%s'", n.Name)
	}
	if err := wholeImage(n, "data file store", "disk data file store"); err != nil {
		return err
	}
	return decodeAround(n, kind, &d.Source, d)
}

// DecodeNode reads a copy under way, which is told of and not taken: one that makes
// no sense is as good as none.
func (m *Mirror) DecodeNode(n *Node) error {
	if DecodeFields(n, m) != nil {
		return errVoid
	}
	return nil
}

// DecodeNode reads the file of the firmware's variables.
func (f *NVRAMFile) DecodeNode(n *Node) error {
	kind, given := n.Attr("type")
	if !given {
		return DecodeFields(n, f)
	}
	return decodeAround(n, kind, &f.Source, f)
}

// wholeImage wants an image to have a format and a source.
func wholeImage(n *Node, format, source string) error {
	f := n.Child("format")
	if f != nil {
		if t, _ := f.Attr("type"); t == "" {
			f = nil
		}
	}
	switch {
	case f == nil:
		return Errorf(CodeXML, "missing %s format", format)
	case n.Child("source") == nil:
		return Errorf(CodeXML, "missing %s source", source)
	}
	return nil
}

// storageKinds are the types of sources.
var storageKinds = []string{"file", "block", "dir", "network", "volume", "nvme", "vhostuser", "vhostvdpa"}

// decodeAround reads an element with a source of a kind: the source, then the rest.
func decodeAround(n *Node, kind string, source **DiskSource, v any) error {
	rest, err := decodeSource(n, kind, source)
	if err != nil {
		return err
	}
	return DecodeFields(rest, v)
}

// decodeSource reads an element's source, and gives the rest of the element. A kind
// that is not known is an error of the element itself.
func decodeSource(n *Node, kind string, source **DiskSource) (*Node, error) {
	c := n.Child("source")
	if kind == "" {
		if _, given := n.Attr("type"); !given {
			kind = "file"
		}
	}
	if c == nil || !slices.Contains(storageKinds, kind) {
		return n, nil
	}
	s := &DiskSource{}
	*source = s
	if err := located(s.decode(kind, c), c); err != nil {
		return nil, err
	}
	return n.without(func(name string, attr bool) bool { return !attr && name == "source" }), nil
}

// sourceParts are the attributes and elements that a type of source has beside
// those that all have.
var sourceParts = [...]struct{ kind, parts string }{
	{"file", "@file @fdgroup"},
	{"block", "@dev"},
	{"dir", "@dir"},
	{"volume", "@pool @volume @mode"},
	{"nvme", "@type @namespace @managed address"},
	{"vhostuser", "@type @path reconnect"},
	{"vhostvdpa", "@dev"},
	{"network", "@protocol @name @tls @tlsHostname host snapshot config initiator"},
	{"http", "@query cookies readahead timeout"},
	{"https", "@query ssl cookies readahead timeout"},
	{"ftp", "readahead timeout"},
	{"ftps", "ssl readahead timeout"},
	{"ssh", "knownHosts identity"},
	{"nfs", "identity"},
	{"nbd", "reconnect"},
	{"", "@index auth encryption reservations slices seclabel dataStore"},
}

// sourceHas tells whether a part counts in a source of a type and a protocol.
func sourceHas(kind, protocol, part string) bool {
	for _, p := range sourceParts {
		if p.kind != "" && p.kind != kind && (p.kind != protocol || kind != "network") {
			continue
		}
		for name := range strings.FieldsSeq(p.parts) {
			if name == part {
				return true
			}
		}
	}
	return false
}

// decode reads a source of a type: what the type has, in the peer's order.
func (s *DiskSource) decode(kind string, n *Node) error {
	protocol, _ := n.Attr("protocol")
	own := n.without(func(name string, attr bool) bool {
		if attr {
			name = "@" + name
		}
		return !sourceHas(kind, protocol, name)
	})
	if err := sourceNamed(kind, own); err != nil {
		return err
	}
	if c := own.Child("reconnect"); c != nil && kind == "network" {
		delay := c.without(func(name string, _ bool) bool { return name != "delay" })
		own = own.without(func(name string, attr bool) bool { return !attr && name == "reconnect" })
		own = own.plus(delay)
	}
	if err := DecodeFields(storageSlice(own), s); err != nil {
		return err
	}
	return s.finish(kind)
}

// DecodeNode reads a source of which no type is known.
func (s *DiskSource) DecodeNode(n *Node) error {
	if err := DecodeFields(storageSlice(n), s); err != nil {
		return err
	}
	return s.finish("")
}

// finish checks and completes what has been read of a source.
func (s *DiskSource) finish(kind string) error {
	if kind == "nvme" {
		s.Namespace, _ = plainNumber(s.Namespace)
		if s.Managed == "" {
			s.Managed = "yes"
		}
	}
	if s.Address != nil {
		s.Address.untyped, s.Address.host = true, true
	}
	for i := range s.Cookies {
		for _, o := range s.Cookies[:i] {
			if o.Name == s.Cookies[i].Name {
				return Errorf(CodeXML, "duplicate cookie '%s'", o.Name)
			}
		}
	}
	if i := s.Identity; i != nil && s.Protocol == "nfs" {
		*i = Identity{User: i.User, Group: i.Group}
	}
	if i := s.Identity; i != nil && s.Protocol == "ssh" {
		*i = Identity{Username: i.Username, AgentSock: i.AgentSock, Keyfile: i.Keyfile}
	}
	if s.Reconnect != nil && *s.Reconnect == (Reconnect{}) {
		s.Reconnect = nil
	}
	if s.Readahead != nil && s.Readahead.Size == 0 {
		s.Readahead = nil
	}
	if s.Timeout != nil && s.Timeout.Seconds == 0 {
		s.Timeout = nil
	}
	if err := CheckLabels(s.SecLabels, "<null>"); err != nil {
		return err
	}
	if kind != "" && kind != "file" && kind != "block" && kind != "volume" {
		s.SecLabels = nil
	}
	if d := s.DataStore; d != nil && d.Source != nil && d.Source.Slice != nil {
		return Errorf(CodeXML, "slices are not supported for <dataStore>")
	}
	if d := s.DataStore; d != nil && d.Source != nil && d.Source.DataStore != nil {
		return Errorf(CodeXML, "The <source> of <dataStore> can't have another nested <dataStore> or <backingStore> element")
	}
	return nil
}

// sourceNamed wants what tells where the data lie.
func sourceNamed(kind string, n *Node) error {
	name, _ := n.Attr("name")
	typ, typed := n.Attr("type")
	switch kind {
	case "network":
		protocol, given := n.Attr("protocol")
		switch {
		case !given:
			return Errorf(CodeXML, "Missing required attribute 'protocol' in element '%s'", n.Name)
		case !slices.Contains(networkProtocols, protocol): // an error of the attribute
			return nil
		case name == "" && protocol != "nbd":
			return Errorf(CodeXML, "missing name for disk source")
		case protocol == "rbd" || protocol == "gluster":
			if pool, _, two := strings.Cut(name, "/"); pool == "" || !two {
				return Errorf(CodeXML, "can't split path '%s' into pool name and image name", name)
			}
		case protocol == "ssh":
			return sshIdentity(n)
		}
	case "volume":
		_, pool := n.Attr("pool")
		if _, volume := n.Attr("volume"); pool != volume {
			return Errorf(CodeXML, "'pool' and 'volume' must be specified together for 'pool' type source")
		}
	case "vhostvdpa":
		if _, given := n.Attr("dev"); !given {
			return Errorf(CodeXML, "Missing required attribute 'dev' in element '%s'", n.Name)
		}
	case "vhostuser":
		_, named := n.Attr("path")
		switch {
		case !typed:
			return Errorf(CodeXML, "missing 'type' attribute for vhostuser disk source")
		case typ != "unix":
			return Errorf(CodeXML, "invalid 'type' attribute for vhostuser disk source")
		case !named:
			return Errorf(CodeXML, "missing 'path' attribute for vhostuser disk source")
		}
	case "nvme":
		return nvmeNamed(n, typ, typed)
	}
	return nil
}

// networkProtocols are the ways to reach a network disk.
var networkProtocols = []string{"nbd", "rbd", "sheepdog", "gluster", "iscsi", "http", "https", "ftp", "ftps", "tftp", "ssh", "vxhs", "nfs"}

// sshIdentity wants what a user logs in with.
func sshIdentity(n *Node) error {
	c := n.Child("identity")
	if c == nil {
		return nil
	}
	if _, given := c.Attr("username"); !given {
		return Errorf(CodeXML, "Missing required attribute 'username' in element 'identity'")
	}
	_, file := c.Attr("keyfile")
	if _, agent := c.Attr("agentsock"); !file && !agent {
		return Errorf(CodeXML, "element 'identity' requires either 'keyfile' or 'agentsock' attribute")
	}
	return nil
}

// nvmeNamed wants the place and the namespace of an NVMe controller, and gives the
// address the type that it has.
func nvmeNamed(n *Node, typ string, typed bool) error {
	namespace, given := n.Attr("namespace")
	_, err := plainNumber(namespace)
	switch c := n.Child("address"); {
	case !typed:
		return Errorf(CodeXML, "missing 'type' attribute to disk source")
	case typ != "pci":
		return Errorf(CodeXML, "unsupported source type '%s'", typ)
	case !given:
		return Errorf(CodeXML, "Missing required attribute 'namespace' in element '%s'", n.Name)
	case err != nil:
		return Errorf(CodeXML, "Invalid value for attribute 'namespace' in element '%s': '%s'. Expected non-negative integer value", n.Name, namespace)
	case c == nil:
		if managed, given := n.Attr("managed"); given && managed != "yes" && managed != "no" {
			return nil // told before
		}
		return Errorf(CodeXML, "NVMe disk source is missing address")
	default:
		if _, has := c.Attr("type"); !has {
			c.Attrs = append(c.Attrs, Attr{Name: "type", Value: "pci"})
		}
	}
	return nil
}

// plainNumber is a number without what may stand before it, and without zeros.
func plainNumber(text string) (string, error) {
	v, err := strconv.ParseUint(strings.TrimPrefix(strings.TrimLeft(text, " \t\n"), "+"), 10, 64)
	return strconv.FormatUint(v, 10), err
}

// storageSlice leaves the first slice of storage, which is the one that counts.
func storageSlice(n *Node) *Node {
	list := n.Child("slices")
	if list == nil {
		return n
	}
	var slice *Node
	for _, c := range list.Children {
		if t, _ := c.Attr("type"); c.Name == "slice" && t == "storage" {
			slice = c
			break
		}
	}
	own := n.without(func(name string, attr bool) bool { return !attr && name == "slices" })
	if slice == nil {
		return own
	}
	return own.plus(&Node{Name: "slices", Line: list.Line, Column: list.Column, Children: []*Node{slice}})
}

// plus is the element with one more child.
func (n *Node) plus(c *Node) *Node {
	own := *n
	own.Children = append(slices.Clip(n.Children), c)
	return &own
}

// DecodeNode reads a slice, which has both numbers.
func (s *Slice) DecodeNode(n *Node) error {
	s.Type, _ = n.Attr("type")
	offset, _ := n.Attr("offset")
	size, _ := n.Attr("size")
	if offset == "" || size == "" {
		return Errorf(CodeXML, "missing offset or size attribute of slice")
	}
	for _, f := range []struct {
		name, text string
		to         *uint64
	}{{"offset", offset, &s.Offset}, {"size", size, &s.Size}} {
		v, err := strconv.ParseUint(strings.TrimPrefix(strings.TrimLeft(f.text, " \t\n"), "+"), 10, 64)
		if err != nil {
			return Errorf(CodeXML, "malformed value '%s' of '%s' attribute of slice", f.text, f.name)
		}
		*f.to = v
	}
	return nil
}

// DecodeNode reads a server: what its transport needs, and its port.
func (h *NetHost) DecodeNode(n *Node) error {
	if err := DecodeFields(n, h); err != nil {
		return err
	}
	_, socket := n.Attr("socket")
	_, named := n.Attr("name")
	switch transport := h.Transport; {
	case transport == "unix" && !socket:
		return Errorf(CodeXML, "missing socket for unix transport")
	case transport == "unix":
		return nil
	case socket:
		if transport == "" {
			transport = "tcp"
		}
		return Errorf(CodeXML, "transport '%s' does not support socket attribute", transport)
	}
	if text, given := n.Attr("port"); given {
		port, err := strconv.ParseUint(strings.TrimPrefix(strings.TrimLeft(text, " \t\n"), "+"), 10, 32)
		switch {
		case err != nil:
			return Errorf(CodeInvalidArg, "failed to parse port number '%s'", text)
		case port > 65535:
			return Errorf(CodeInvalidArg, "port '%s' out of range", text)
		}
		h.Port = strconv.FormatUint(port, 10)
	}
	if !named {
		return Errorf(CodeXML, "missing name for host")
	}
	h.blank = h.Name == ""
	return nil
}

// CheckNode checks what is sent to a web server.
func (c *Cookie) CheckNode(*Node) error {
	switch {
	case c.Name == "":
		return Errorf(CodeXML, "missing cookie name")
	case c.Text == "":
		return Errorf(CodeXML, "missing value for cookie '%s'", c.Name)
	case strings.ContainsAny(c.Name, "\"()<>@,;:\\/[]?={} \t"):
		return Errorf(CodeXML, "cookie name '%s' contains invalid characters", c.Name)
	}
	value := c.Text
	if n := len(value); n > 1 && value[0] == '"' && value[n-1] == '"' {
		value = value[1 : n-1]
	}
	if strings.ContainsAny(value, "\",;\\ \t") {
		return Errorf(CodeXML, "value of cookie '%s' contains invalid characters", c.Name)
	}
	return nil
}

// CheckNode checks where the helper for persistent reservations is.
func (r *Reservations) CheckNode(*Node) error {
	from := r.Source
	if from == nil && r.Managed == "yes" {
		return nil
	}
	if from == nil {
		from = &ReservationsFrom{}
	}
	for _, f := range []struct{ what, value, want string }{{"connection type", from.Type, "unix"}, {"path", from.Path, ""}, {"connection mode", from.Mode, "client"}} {
		if f.value == "" {
			return Errorf(CodeXML, "missing %s for <reservations/>", f.what)
		}
	}
	switch {
	case from.Type != "unix":
		return Errorf(CodeXML, "unsupported connection type for <reservations/>: %s", from.Type)
	case from.Mode != "client":
		return Errorf(CodeXML, "unsupported connection mode for <reservations/>: %s", from.Mode)
	}
	return nil
}
