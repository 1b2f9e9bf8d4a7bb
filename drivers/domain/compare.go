package domain

import (
	"slices"
	"strings"

	"virgo/xml"
)

// Compare takes out of the document of a running domain, and out of its
// definition, what only says that the domain runs: ids, aliases, terminals, ports
// that were picked, labels, the CPU that the host's became. What differs then is
// what the next start changes. started is the definition that it was started
// with, nil if unknown. The documents may be any driver's.
func Compare(live, config, started *xml.Node) {
	dropAttrs(live, "id")
	for _, name := range []string{"resource", "seclabel"} {
		if config.Child(name) == nil {
			dropChildren(live, name)
		}
	}
	for _, s := range live.Elements("seclabel") {
		dropChildren(s, "label", "imagelabel")
	}
	compareCPU(live, config, started)
	mine, theirs := live.Child("devices"), config.Child("devices")
	if mine == nil || theirs == nil {
		return
	}
	for _, devices := range []*xml.Node{mine, theirs} {
		for _, d := range devices.Children {
			dropAlias(d)
			if v, _ := d.Attr("autoport"); d.Name == "graphics" && v == "yes" {
				dropAttrs(d, "port", "tlsPort", "websocket")
			}
		}
	}
	for _, d := range mine.Children {
		if d.IsElement() {
			compareDevice(d, counterpart(d, theirs))
		}
	}
}

// compareCPU puts the CPU back that the definition had at the start, where what
// runs says what it came to.
func compareCPU(live, config, started *xml.Node) {
	mine, theirs := live.Child("cpu"), config.Child("cpu")
	if started != nil && mine != nil {
		if then := started.Child("cpu"); then != nil {
			*mine = *then
			return
		}
		dropChildren(live, "cpu")
		return
	}
	if mine == nil || theirs == nil {
		if theirs == nil { // the machine's own
			dropChildren(live, "cpu")
		}
		return
	}
	if a, _ := mine.Attr("mode"); a == "custom" {
		if b, _ := theirs.Attr("mode"); b != "custom" {
			*mine = *theirs // nothing tells what it was
		}
	}
}

// counterpart is the same device in the definition, or an empty one.
func counterpart(d, devices *xml.Node) *xml.Node {
	key := func(n *xml.Node) string {
		if n.Name == "graphics" {
			v, _ := n.Attr("type")
			return v
		}
		for _, k := range [][2]string{{"mac", "address"}, {"target", "dev"}, {"target", "name"}, {"target", "port"}} {
			if c := n.Child(k[0]); c != nil {
				if v, ok := c.Attr(k[1]); ok {
					return v
				}
			}
		}
		return ""
	}
	k := key(d)
	for _, o := range devices.Elements(d.Name) {
		if key(o) == k {
			return o
		}
	}
	return xml.Element(d.Name)
}

func compareDevice(d, was *xml.Node) {
	source := d.Child("source")
	switch d.Name {
	case "serial", "parallel", "console", "channel":
		dropAttrs(d, "tty")
		if t := d.Child("target"); t != nil {
			dropAttrs(t, "state")
		}
		if v, _ := d.Attr("type"); v == "pty" || was.Child("source") == nil {
			dropChildren(d, "source")
			dropChildren(was, "source")
		}
	case "interface":
		if source != nil {
			dropAttrs(source, "portid")
			if old := was.Child("source"); old == nil || !hasAttr(old, "bridge") {
				if v, _ := d.Attr("type"); v == "network" {
					dropAttrs(source, "bridge")
				}
			}
		}
		if was.Child("target") == nil {
			dropChildren(d, "target")
		}
		if was.Child("backend") == nil {
			dropChildren(d, "backend")
		}
	case "disk":
		compareImage(d, was)
		if source = d.Child("source"); source != nil {
			dropAttrs(source, "index")
		}
		if was.Child("backingStore") == nil {
			dropChildren(d, "backingStore")
		}
	case "graphics":
		compareListen(d, was)
	}
}

// compareImage takes out what a start makes of a disk's images: an empty drive
// has no format, and a transient disk has a file of its own above its image.
func compareImage(d, was *xml.Node) {
	driver, old := d.Child("driver"), was.Child("driver")
	if d.Child("source") == nil && was.Child("source") == nil {
		for _, n := range []*xml.Node{driver, old} {
			if n != nil {
				dropAttrs(n, "type")
			}
		}
	}
	source, below := d.Child("source"), d.Child("backingStore")
	if d.Child("transient") == nil || source == nil || below == nil || below.Child("source") == nil {
		return
	}
	file, _ := source.Attr("file")
	image, _ := below.Child("source").Attr("file")
	if image == "" || !strings.HasPrefix(file, image+".TRANSIENT-") {
		return
	}
	source.Attrs = slices.Clone(below.Child("source").Attrs)
	source.Children = below.Child("source").Children
	if format := below.Child("format"); format != nil && driver != nil {
		word, _ := format.Attr("type")
		for i := range driver.Attrs {
			if driver.Attrs[i].Name == "type" {
				driver.Attrs[i].Value = word
			}
		}
	}
	dropChildren(d, "backingStore")
	if lower := below.Child("backingStore"); lower != nil {
		d.Children = append(d.Children, lower)
	}
}

// compareListen takes out the address that was picked.
func compareListen(d, was *xml.Node) {
	if !hasAttr(was, "listen") {
		dropAttrs(d, "listen")
	}
	old := was.Child("listen")
	if old == nil {
		dropChildren(d, "listen")
	}
	if l := d.Child("listen"); l != nil && !hasAttr(old, "address") {
		dropAttrs(l, "address")
	}
}

func hasAttr(n *xml.Node, name string) bool {
	_, ok := n.Attr(name)
	return ok
}

// dropAlias takes out a name that the driver has given.
func dropAlias(d *xml.Node) {
	if a := d.Child("alias"); a != nil {
		if name, _ := a.Attr("name"); !strings.HasPrefix(name, "ua-") {
			dropChildren(d, "alias")
		}
	}
}

func dropAttrs(n *xml.Node, names ...string) {
	n.Attrs = slices.DeleteFunc(slices.Clone(n.Attrs), func(a xml.Attr) bool { return slices.Contains(names, a.Name) })
}

func dropChildren(n *xml.Node, names ...string) {
	n.Children = slices.DeleteFunc(slices.Clone(n.Children), func(c *xml.Node) bool { return slices.Contains(names, c.Name) })
}
