package xml

import (
	"slices"
	"strings"
)

// Chardev is a serial or parallel port, a console or a channel.
type Chardev struct {
	CharSource
	Target  *CharTarget
	Alias   *Alias
	ACPI    *ACPIIndex
	Address *Address
}

// CharTarget is the guest's side.
type CharTarget struct {
	Type    string // isa-serial, virtio, guestfwd, ...
	Name    string // channels
	State   string // channels, live
	Address string // guestfwd
	Port    *uint  // all but virtio and guestfwd channels; of guestfwd the TCP port
	Model   string // serial
}

// CharSource is the host's side of a character device.
type CharSource struct {
	Type      string // null vc pty dev file pipe stdio udp tcp unix spicevmc spiceport nmdm qemu-vdagent dbus
	Path      string // pty, dev, file, pipe, unix
	Append    OnOff
	Channel   string // spiceport, dbus
	Master    string // nmdm
	Slave     string
	Mode      string // tcp, unix: bind or connect
	Host      string // tcp, and udp's connect
	Service   string
	BindHost  string // udp
	BindPort  string
	TLS       YesNo
	Protocol  string // tcp: raw telnet telnets tls
	Reconnect *CharReconnect
	SecLabels []SourceSecLabel
	Clipboard YesNo  // qemu-vdagent
	Mouse     string // qemu-vdagent
	Log       *CharLog
	TTY       string // live
}

// CharReconnect is what happens when a socket is closed.
type CharReconnect struct {
	Enabled YesNo `el:"enabled,attr,wanted"`
	Timeout *uint `el:"timeout,attr"`
}

// CharLog is a file that gets all output.
type CharLog struct {
	File   string `el:"file,attr,kept"`
	Append OnOff  `el:"append,attr"`
}

// CharTypes are the kinds of character devices.
var CharTypes = strings.Fields("null vc pty dev file pipe stdio udp tcp unix spicevmc spiceport nmdm qemu-vdagent dbus")

// DecodeNode reads the device: the guest's side before the host's.
func (c *Chardev) DecodeNode(n *Node) error {
	if err := c.CharSource.decodeType(n, n.Name); err != nil {
		return err
	}
	t := n.Child("target")
	if t == nil && n.Name == "channel" {
		return Errorf(CodeXML, "target type must be specified for channel device")
	}
	if t != nil {
		c.Target = &CharTarget{}
		if err := c.Target.decode(t, n.Name); err != nil {
			return err
		}
	}
	if err := c.CharSource.decodeParts(n); err != nil {
		return err
	}
	if c.Type == "spicevmc" && (c.Target == nil || n.Name == "parallel" || c.Target.Type != map[string]string{"channel": "virtio", "console": "xen", "serial": "usb-serial"}[n.Name]) {
		return Errorf(CodeConfigUnsupported, "spicevmc device type only supports virtio")
	}
	var rest struct {
		Alias   *Alias     `el:"alias"`
		ACPI    *ACPIIndex `el:"acpi"`
		Address *Address   `el:"address"`
	}
	if err := Decode(n, &rest); err != nil {
		return err
	}
	c.Alias, c.ACPI, c.Address = rest.Alias, rest.ACPI, rest.Address
	return nil
}

// charTargets are the types that targets have, by kind of device.
var charTargets = []struct{ kind, types string }{
	{"serial", "none isa-serial usb-serial pci-serial spapr-vio-serial system-serial sclp-serial isa-debug"},
	{"console", "none serial xen uml virtio lxc openvz sclp sclplm"},
	{"channel", "none guestfwd virtio xen"},
}

// serialModels are the models of serial ports.
const serialModels = "none isa-serial usb-serial pci-serial spapr-vty pl011 16550a sclpconsole sclplmconsole isa-debugcon"

func (t *CharTarget) decode(n *Node, kind string) error {
	given := false
	t.Type, given = n.Attr("type")
	if name, there := n.Attr("name"); there && name == "" {
		t.Name = Blank
	} else {
		t.Name = name
	}
	t.State, _ = n.Attr("state")
	for _, k := range charTargets {
		if k.kind != kind || contains(strings.Fields(k.types), t.Type) {
			continue
		}
		text := t.Type
		if !given {
			text = "(null)" // of channels only, which need one
		}
		if given || kind == "channel" {
			return Errorf(CodeConfigUnsupported, "unknown target type '%s' specified for character device", text)
		}
	}
	if t.Type == "none" && kind != "channel" {
		t.Type = ""
	}
	if kind == "parallel" {
		t.Type = ""
	}
	if m := n.Child("model"); m != nil && kind == "serial" {
		name, ok := m.Attr("name")
		if t.Model = name; ok && !contains(strings.Fields(serialModels), t.Model) {
			return Errorf(CodeConfigUnsupported, "unknown target model '%s' specified for character device", t.Model)
		}
		if t.Model == "none" {
			t.Model = ""
		}
	}
	if kind == "channel" {
		return t.decodeChannel(n)
	}
	if port, ok := n.Attr("port"); ok {
		if strings.HasPrefix(port, "-") && strings.Trim(port[1:], "0123456789") == "" {
			return nil
		}
		v, err := parseUint(port, 10, 32)
		if err != nil {
			return Errorf(CodeXML, "Invalid port number: %s", port)
		}
		t.Port = ptr(uint(v))
	}
	return nil
}

func (t *CharTarget) decodeChannel(n *Node) error {
	if t.Type != "guestfwd" {
		return nil
	}
	text, ok := n.Attr("address")
	if !ok {
		return Errorf(CodeXML, "guestfwd channel does not define a target address")
	}
	ip, ok := ParseIP(text)
	switch {
	case !ok:
		return Errorf(CodePlain, "Cannot parse socket address '%s': Name or service not known", text)
	case !ip.Is4():
		return Errorf(CodeConfigUnsupported, "guestfwd channel only supports IPv4 addresses")
	}
	t.Address = ip.String()
	port, ok := n.Attr("port")
	if !ok {
		return Errorf(CodeXML, "Missing required attribute 'port' in element 'target'")
	}
	v, err := parseUint(port, 10, 32)
	if err != nil {
		return Errorf(CodeXML, "Invalid value for attribute 'port' in element 'target': '%s'. Expected non-negative integer value", port)
	}
	t.Port = ptr(uint(uint16(v)))
	return nil
}

func ptr[T any](v T) *T { return &v }

// decode reads the host's side from an element of the kind serial, channel,
// rng and so on.
func (s *CharSource) decode(n *Node, kind string) error {
	if err := s.decodeType(n, kind); err != nil {
		return err
	}
	err := s.decodeParts(n)
	s.SecLabels = nil // which only ports have
	return err
}

// decodeType reads the kind of the host's side.
func (s *CharSource) decodeType(n *Node, kind string) error {
	if t, ok := n.Attr("type"); ok {
		s.Type = t
		if !contains(CharTypes, t) {
			if kind == "redirdev" {
				return Errorf(CodeConfigUnsupported, "unknown redirdev character device type '%s'", t)
			}
			if kind == "rng" {
				return Errorf(CodeConfigUnsupported, "unknown backend type '%s' for egd", t)
			}
			if kind == "interface" {
				return Errorf(CodeXML, "unknown type '%s' for character device", t)
			}
			return Errorf(CodeConfigUnsupported, "unknown type presented to host for character device: %s", t)
		}
	} else if s.Type == "" {
		s.Type = "pty"
	}
	s.TTY, _ = n.Attr("tty")
	return nil
}

// decodeParts reads the source, protocol and log elements.
func (s *CharSource) decodeParts(n *Node) error {
	sources := n.Elements("source")
	if len(sources) > 2 && s.Type == "udp" {
		return Errorf(CodeXML, "only two source elements are allowed for character device")
	}
	if len(sources) > 1 && s.Type != "udp" {
		return Errorf(CodeXML, "only one source element is allowed for character device")
	}
	for _, c := range sources {
		if err := s.source(c); err != nil {
			return err
		}
	}
	if countChildren(n, "protocol") > 1 {
		return Errorf(CodeXML, "only one protocol element is allowed for character device")
	}
	if l := n.Child("log"); l != nil {
		s.Log = &CharLog{}
		if err := Decode(l, s.Log); err != nil {
			return err
		}
		if s.Log.File == "" { // without one, nothing is logged
			s.Log = nil
		}
	}
	if p := n.Child("protocol"); p != nil && s.Type == "tcp" {
		r := attrReader{n: p}
		if s.Protocol = r.word("type", []string{"raw", "telnet", "telnets", "tls"}); r.err != nil {
			return r.err
		}
	}
	return nil
}

func (s *CharSource) source(n *Node) error {
	r := attrReader{n: n}
	get := func(name string) string {
		v, ok := n.Attr(name)
		if ok && v == "" {
			return Blank
		}
		return v
	}
	switch s.Type {
	case "file", "pty", "dev", "pipe":
		if p := get("path"); p != "" && (s.Type != "pty" || s.TTY == "") {
			s.Path = p
		}
		if s.Type == "file" {
			s.Append = OnOff(r.word("append", []string{"on", "off"}))
		}
	case "nmdm":
		s.Master, s.Slave = get("master"), get("slave")
	case "unix":
		s.Mode = r.word("mode", []string{"connect", "bind"})
		if s.Mode == "" {
			s.Mode = "connect"
		}
		s.Path = get("path")
		s.reconnect(n, &r)
	case "udp":
		if mode := r.word("mode", []string{"connect", "bind"}); mode == "bind" {
			s.BindHost, s.BindPort = get("host"), get("service")
		} else if s.Host == "" && s.Service == "" { // the first one counts
			s.Host, s.Service = get("host"), get("service")
		}
	case "tcp":
		s.Mode = r.word("mode", []string{"connect", "bind"})
		if s.Mode == "" {
			s.Mode = "connect"
		}
		s.Host, s.Service = get("host"), get("service")
		s.TLS = YesNo(r.word("tls", []string{"yes", "no"}))
		s.reconnect(n, &r)
	case "spiceport", "dbus":
		s.Channel = get("channel")
	case "qemu-vdagent":
		if c := n.Child("clipboard"); c != nil {
			cr := attrReader{n: c}
			s.Clipboard = YesNo(cr.required("copypaste", []string{"yes", "no"}))
			r.merge(cr)
		}
		if m := n.Child("mouse"); m != nil {
			mr := attrReader{n: m}
			s.Mouse = mr.required("mode", []string{"client", "server"})
			r.merge(mr)
		}
	}
	for _, l := range n.Elements("seclabel") {
		var label SourceSecLabel
		if err := Decode(l, &label); err != nil {
			return err
		}
		label.LabelSkip = ""
		s.SecLabels = append(s.SecLabels, label)
	}
	if r.err != nil {
		return r.err
	}
	if err := CheckLabels(s.SecLabels, "<unspecified>"); err != nil {
		return err
	}
	s.SecLabels = KeepLabels(s.SecLabels)
	return nil
}

func (r *attrReader) merge(o attrReader) {
	if r.err == nil {
		r.err = o.err
	}
}

func (s *CharSource) reconnect(n *Node, r *attrReader) {
	c := n.Child("reconnect")
	if c == nil || r.err != nil {
		return
	}
	s.Reconnect = &CharReconnect{}
	if r.err = Decode(c, s.Reconnect); r.err == nil {
		s.Reconnect, r.err = s.Reconnect.Settled()
	}
}

// Settled is what stays of it: nothing if it is not said whether, and no time if not.
func (c *CharReconnect) Settled() (*CharReconnect, error) {
	switch {
	case c == nil || c.Enabled == "":
		return nil, nil
	case c.Enabled == "no":
		c.Timeout = nil
	case c.Timeout == nil:
		return nil, Errorf(CodeXML, "Missing required attribute 'timeout' in element 'reconnect'")
	}
	return c, nil
}

// hasSource tells whether a source element is printed.
func (s *CharSource) hasSource() bool {
	switch s.Type {
	case "udp", "tcp":
		return true
	case "nmdm":
		return s.Master != "" || s.Slave != ""
	case "unix":
		return s.Path != ""
	case "file", "pty", "dev", "pipe":
		return s.Path != ""
	case "spiceport", "dbus":
		return s.Channel != ""
	case "qemu-vdagent":
		return s.Clipboard != "" || s.Mouse != ""
	}
	return false
}

// parts makes the source, protocol and log elements.
func (s *CharSource) parts() []*Node {
	var out []*Node
	if s.hasSource() {
		out = append(out, s.sources()...)
	}
	if s.Type == "tcp" {
		protocol := s.Protocol
		if protocol == "" {
			protocol = "raw"
		}
		out = append(out, Element("protocol").With("type", protocol))
	}
	if s.Log != nil {
		out = append(out, Element("log").With("file", s.Log.File, "append", string(s.Log.Append)))
	}
	return out
}

func (s *CharSource) sources() []*Node {
	n := Element("source")
	switch s.Type {
	case "file", "pty", "dev", "pipe":
		n.With("path", s.Path, "append", string(s.Append))
	case "nmdm":
		n.With("master", s.Master, "slave", s.Slave)
	case "udp":
		var out []*Node
		if s.BindHost != "" || s.BindPort != "" {
			out = append(out, Element("source").With("mode", "bind", "host", s.BindHost, "service", s.BindPort))
		}
		if s.Host != "" || s.Service != "" {
			out = append(out, Element("source").With("mode", "connect", "host", s.Host, "service", s.Service))
		}
		return out
	case "tcp":
		n.With("mode", s.Mode, "host", s.Host, "service", s.Service, "tls", string(s.TLS))
	case "unix":
		n.With("mode", s.Mode, "path", s.Path)
	case "spiceport", "dbus":
		n.With("channel", s.Channel)
	case "qemu-vdagent":
		if s.Clipboard != "" {
			n.Add(Element("clipboard").With("copypaste", string(s.Clipboard)))
		}
		if s.Mouse != "" {
			n.Add(Element("mouse").With("mode", s.Mouse))
		}
	}
	if slices.Contains([]string{"dev", "file", "pipe", "pty", "unix"}, s.Type) { // what has a path
		for i := range s.SecLabels {
			n.Add(Encode(&s.SecLabels[i], "seclabel"))
		}
	}
	if s.Reconnect != nil {
		n.Add(Encode(s.Reconnect, "reconnect"))
	}
	return []*Node{n}
}

// EncodeNode makes the device's element.
func (c *Chardev) EncodeNode(name string) *Node {
	n := Element(name).With("type", c.Type)
	if c.Type == "pty" {
		n.With("tty", c.TTY)
	}
	n.Add(c.parts()...)
	if t := c.Target; t != nil {
		n.Add(t.node(name))
	}
	if c.Alias != nil {
		n.Add(Element("alias").With("name", c.Alias.Name))
	}
	if c.ACPI != nil {
		n.Add(Encode(c.ACPI, "acpi"))
	}
	if c.Address != nil {
		n.Add(c.Address.EncodeNode("address"))
	}
	return n
}

func (t *CharTarget) node(kind string) *Node {
	n := Element("target").With("type", t.Type)
	if kind == "channel" {
		n.With("name", t.Name, "state", t.State, "address", t.Address)
		if t.Type == "guestfwd" && t.Port != nil {
			n.With("port", utoa(*t.Port))
		}
		return n
	}
	if t.Port != nil {
		n.With("port", utoa(*t.Port))
	}
	if t.Model != "" {
		n.Add(Element("model").With("name", t.Model))
	}
	return n
}

// DecodeNode reads the backend: a path, or a character device.
func (b *RNGBackend) DecodeNode(n *Node) error {
	r := attrReader{n: n}
	if _, ok := n.Attr("model"); !ok {
		return Errorf(CodeXML, "Missing required attribute 'model' in element 'backend'")
	}
	if b.Model = r.word("model", []string{"random", "egd", "builtin"}); r.err != nil {
		return r.err
	}
	switch b.Model {
	case "random":
		b.Path = n.Value()
	case "egd":
		if _, ok := n.Attr("type"); !ok {
			return Errorf(CodeXML, "missing EGD backend type")
		}
		return b.Chardev.decode(n, "rng")
	}
	return nil
}

// EncodeNode makes the backend's element.
func (b *RNGBackend) EncodeNode(name string) *Node {
	if b.Model != "egd" {
		return TextElement(name, b.Path).With("model", b.Model)
	}
	n := Element(name, b.Chardev.parts()...).With("model", b.Model, "type", b.Chardev.Type)
	n.Pair = len(n.Children) == 0
	return n
}

// Redirdev passes a USB device of the client through.
type Redirdev struct {
	CharSource
	Bus     string
	Boot    *BootOrder
	Alias   *Alias
	ACPI    *ACPIIndex
	Address *Address
}

type redirdevRest struct {
	Bus     string     `el:"bus,attr" enum:"usb" unknown:"unsupported configuration: unknown redirdev bus '%s'"`
	Boot    *BootOrder `el:"boot"`
	Alias   *Alias     `el:"alias"`
	ACPI    *ACPIIndex `el:"acpi"`
	Address *Address   `el:"address"`
}

// DecodeNode reads the device.
func (d *Redirdev) DecodeNode(n *Node) error {
	rest := redirdevRest{Bus: "usb"}
	if err := Decode(n, &rest); err != nil {
		return err
	}
	if _, ok := n.Attr("type"); !ok {
		return Errorf(CodeInternal, "missing type in redirdev")
	}
	d.Bus, d.Boot, d.Alias, d.ACPI, d.Address = rest.Bus, rest.Boot, rest.Alias, rest.ACPI, rest.Address
	return d.CharSource.decode(n, "redirdev")
}

// EncodeNode makes the device's element.
func (d *Redirdev) EncodeNode(name string) *Node {
	n := Element(name).With("bus", d.Bus, "type", d.Type)
	n.Add(d.parts()...)
	rest := Encode(&redirdevRest{Boot: d.Boot, Alias: d.Alias, ACPI: d.ACPI, Address: d.Address}, name)
	n.Add(rest.Children...)
	if len(n.Children) == 0 {
		n.Pair = true
	}
	return n
}

// RedirFilter says which devices may be passed through.
type RedirFilter struct {
	USBDevs []RedirUSBDev `el:"usbdev"`
}

// RedirUSBDev is one rule.
type RedirUSBDev struct {
	Class   *USBClass   `el:"class,attr"`
	Vendor  *AnyID      `el:"vendor,attr"`
	Product *AnyID      `el:"product,attr"`
	Version *USBVersion `el:"version,attr"`
	Allow   YesNo       `el:"allow,attr,required"`
}

// AnyID is a USB vendor or product; -1 is any and prints nothing.
type AnyID int32

// ParseValue reads the number.
func (a *AnyID) ParseValue(text string) error {
	*a = -1
	if strings.TrimSpace(text) == "-1" {
		return nil
	}
	v, err := parseUint(text, 0, 31)
	if err != nil {
		return errNotInteger
	}
	*a = AnyID(v)
	return nil
}

// FormatValue prints it in hexadecimal with four digits.
func (a *AnyID) FormatValue() string {
	if *a < 0 {
		return ""
	}
	return "0x" + strings.ToUpper(hexText(uint64(*a), 4)[2:])
}

// USBClass is an AnyID that prints with two digits.
type USBClass int32

// ParseValue reads the number.
func (c *USBClass) ParseValue(text string) error {
	if err := (*AnyID)(c).ParseValue(text); err != nil {
		return err
	}
	if *c > 0xff {
		return Errorf(CodeInternal, "Invalid USB Class code 0x%x", int32(*c))
	}
	return nil
}

// FormatValue prints it in hexadecimal with two digits.
func (c *USBClass) FormatValue() string {
	if *c < 0 {
		return ""
	}
	return "0x" + strings.ToUpper(hexText(uint64(*c), 2)[2:])
}

// USBVersion is a version of a USB device, as 2.05; "" is any.
type USBVersion string

// ParseValue reads it: two numbers of one or two digits, of which the second
// one is a fraction.
func (v *USBVersion) ParseValue(text string) error {
	if *v = ""; text == "-1" {
		return nil
	}
	whole, part, _ := strings.Cut(text, ".")
	for _, digits := range []string{whole, part} {
		if digits == "" || len(digits) > 2 || strings.Trim(digits, "0123456789") != "" {
			return Errorf(CodeXML, "Cannot parse USB device version %s", text)
		}
	}
	if len(whole) == 2 {
		whole = strings.TrimPrefix(whole, "0")
	}
	if len(part) == 1 {
		part += "0"
	}
	*v = USBVersion(whole + "." + part)
	return nil
}

// FormatValue prints it.
func (v *USBVersion) FormatValue() string { return string(*v) }

// Smartcard is a reader of smart cards.
type Smartcard struct {
	CharSource          // passthrough
	Mode         string // host, host-certificates, passthrough
	Certificates []string
	Database     string
	Alias        *Alias
	ACPI         *ACPIIndex
	Address      *Address
}

type smartcardRest struct {
	Certificates []string   `el:"certificate"`
	Database     string     `el:"database"`
	Alias        *Alias     `el:"alias"`
	ACPI         *ACPIIndex `el:"acpi"`
	Address      *Address   `el:"address"`
}

// DecodeNode reads the device.
func (s *Smartcard) DecodeNode(n *Node) error {
	r := attrReader{n: n}
	if _, ok := n.Attr("mode"); !ok {
		return Errorf(CodeXML, "Missing required attribute 'mode' in element 'smartcard'")
	}
	if s.Mode = r.word("mode", []string{"host", "host-certificates", "passthrough"}); r.err != nil {
		return r.err
	}
	var rest smartcardRest
	if err := Decode(n, &rest); err != nil {
		return err
	}
	s.Alias, s.ACPI, s.Address = rest.Alias, rest.ACPI, rest.Address
	switch s.Mode {
	case "host-certificates":
		if len(rest.Certificates) != 3 {
			return Errorf(CodeXML, "host-certificates mode needs exactly three certificates")
		}
		s.Certificates, s.Database = rest.Certificates, rest.Database
		if s.Database != "" && !strings.HasPrefix(s.Database, "/") {
			return Errorf(CodeXML, "expecting absolute path: %s", s.Database)
		}
	case "passthrough":
		if _, ok := n.Attr("type"); !ok {
			return Errorf(CodeXML, "passthrough mode requires a character device type attribute")
		}
		return s.CharSource.decode(n, "smartcard")
	}
	return nil
}

// EncodeNode makes the device's element.
func (s *Smartcard) EncodeNode(name string) *Node {
	n := Element(name).With("mode", s.Mode)
	rest := smartcardRest{Alias: s.Alias, ACPI: s.ACPI, Address: s.Address}
	switch s.Mode {
	case "passthrough":
		n.With("type", s.Type)
		n.Add(s.parts()...)
	case "host-certificates":
		rest.Certificates, rest.Database = s.Certificates, s.Database
	}
	return n.Add(Encode(&rest, name).Children...)
}

// CharSources are the host's sides of all devices that have one.
func (d *Devices) CharSources() []*CharSource {
	var list []*CharSource
	for _, kind := range [][]Chardev{d.Parallels, d.Serials, d.Consoles, d.Channels} {
		for i := range kind {
			list = append(list, &kind[i].CharSource)
		}
	}
	return append(list, d.OtherSources()...)
}

// OtherSources are those of devices that are no character devices themselves.
func (d *Devices) OtherSources() []*CharSource {
	var list []*CharSource
	for i := range d.Smartcards {
		list = append(list, &d.Smartcards[i].CharSource)
	}
	for i := range d.Redirdevs {
		list = append(list, &d.Redirdevs[i].CharSource)
	}
	for i := range d.RNGs {
		if b := d.RNGs[i].Backend; b != nil {
			list = append(list, &b.Chardev)
		}
	}
	return list
}
