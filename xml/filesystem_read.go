package xml

import (
	"slices"
	"strconv"
	"strings"
)

// DecodeNode reads a file system: how it is reached, what serves it, what it is made
// of, then what all devices have. Only virtiofs has a program and a map of users.
func (f *Filesystem) DecodeNode(n *Node) error {
	if err := DecodeFields(n.only("@accessmode", "@type"), f); err != nil {
		return err
	}
	if err := fileModes(n); err != nil {
		return err
	}
	own := n
	if c := n.Child("driver"); c == nil || !c.isDriver("virtiofs") {
		own = n.without(func(name string, attr bool) bool {
			return !attr && (name == "binary" || name == "idmap" || name == "driver")
		})
		if c != nil {
			own = own.plus(c.without(func(name string, attr bool) bool { return attr && name == "queue" }))
		}
	}
	after := []string{"boot", "alias", "acpi", "address"}
	if err := DecodeFields(own.without(func(name string, attr bool) bool { return !attr && slices.Contains(after, name) }), f); err != nil {
		return err
	}
	if err := f.sourceGiven(n); err != nil {
		return err
	}
	if m := f.IDMap; m != nil && len(m.UIDs) == 0 {
		f.IDMap = nil
	} else if m != nil {
		m.Sort()
	}
	return DecodeFields(n.only(after...), f)
}

// only is the element with some of its attributes, written with @, and children.
func (n *Node) only(names ...string) *Node {
	return n.without(func(name string, attr bool) bool {
		if attr {
			name = "@" + name
		}
		return !slices.Contains(names, name)
	})
}

func (n *Node) isDriver(kind string) bool {
	t, _ := n.Attr("type")
	return t == kind
}

// fileModes checks the modes of files and folders.
func fileModes(n *Node) error {
	for _, name := range []string{"fmode", "dmode"} {
		text, ok := n.Attr(name)
		if !ok {
			continue
		}
		mode, err := parseUint(text, 8, 32)
		switch {
		case err != nil:
			return Errorf(CodeXML, "Invalid value for attribute '%s' in element 'filesystem': '%s'. Expected non-negative integer value", name, text)
		case mode > 0o777:
			return Errorf(CodeXML, "invalid %s: '0%o'", name, mode)
		}
	}
	return nil
}

// sourceGiven wants what the type of file system is made of, and keeps of the source
// that alone.
func (f *Filesystem) sourceGiven(n *Node) error {
	c := n.Child("source")
	if c == nil {
		c = &Node{Name: "source"}
	}
	s := f.Source
	if s == nil {
		s = &FSSource{}
	}
	_, served := c.Attr("socket")
	own, name := FSSource{}, ""
	switch f.Type {
	case "block":
		own.Dev, name = s.Dev, "dev"
	case "file":
		own.File, name = s.File, "file"
	case "template":
		own.Name, name = s.Name, "name"
	case "volume":
		_, pool := c.Attr("pool")
		if _, volume := c.Attr("volume"); pool != volume {
			return Errorf(CodeXML, "'pool' and 'volume' must be specified together for 'pool' type source")
		}
		own.Pool, own.Volume = s.Pool, s.Volume
	case "ram":
		usage, given := c.Attr("usage")
		if !given {
			return Errorf(CodeXML, "missing 'usage' attribute for RAM filesystem")
		}
		v, err := strconv.ParseUint(usage, 10, 64)
		if err != nil {
			return Errorf(CodeXML, "cannot parse usage '%s' for RAM filesystem", usage)
		}
		if v, err = Scale(v, s.Units, 1024); err != nil {
			return err
		}
		own.Usage, own.Units = strconv.FormatUint(v/1024, 10), "KiB"
	default:
		name = "dir"
		if own.Socket = s.Socket; s.Socket == "" {
			own.Dir = s.Dir
		}
	}
	f.Served = served
	if value, given := c.Attr(name); name == "" || given || served {
		switch {
		case served && s.Socket == "" && name == "dir":
			own.blank = "socket"
		case given && value == "":
			own.blank = name
		}
		*s = own
		if f.Source == nil && f.Type == "volume" || served && own == (FSSource{}) {
			f.Source = nil
		}
		return nil
	}
	if t := f.Target; t != nil && t.Dir != "" {
		return Errorf(CodePlain, "missing source information for device %s", t.Dir)
	}
	return Errorf(CodePlain, "missing source information for device")
}

// Wrapped is a number that counts down from the highest if it is negative.
type Wrapped uint64

// ParseValue reads it; nothing is 0.
func (w *Wrapped) ParseValue(text string) error {
	if text == "" {
		return nil
	}
	down, negative := strings.CutPrefix(strings.TrimLeft(text, " \t\n"), "-")
	v, err := parseUint(down, 10, 64)
	if err != nil {
		return errNotInteger
	}
	if negative {
		v = -v
	}
	*w = Wrapped(v)
	return nil
}

// FormatValue prints it unless it is 0.
func (w *Wrapped) FormatValue() string {
	if *w == 0 {
		return ""
	}
	return strconv.FormatUint(uint64(*w), 10)
}
