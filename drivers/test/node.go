package test

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"virgo/drivers"
	"virgo/xml"
)

// node is one host in memory.
type node struct {
	mu     sync.Mutex
	guests []*guest
	nextID int
	nets   []*net
	pools  []*pool
	devs   []*device
	cards  []*card
	kept   []*card // the cards as they were when a change began; nil: none has
	info   drivers.NodeInfo
	cells  []cell
	users  []user
	listen drivers.Listeners
	past   map[string][]former // former definitions of domains, by name

	unread  uint16        // kinds whose built-in objects are not read yet: bits
	command func() string // the one that is at work; nil: unknown
}

// cell is a NUMA cell of the host.
type cell struct {
	memory   uint64 // KiB
	pageSize uint   // KiB, of its small pages
	cpus     []int
}

// user may log in.
type user struct{ name, password string }

// newNode is a node with nothing on it.
func newNode() *node {
	return &node{
		nextID: 1,
		info: drivers.NodeInfo{Model: "i686", CPUs: 16, MHz: 1400, Sockets: 2, CoresPerSocket: 2, Threads: 2, NUMACells: 2,
			Memory: 3145728},
	}
}

// openFile reads a node from a file.
func openFile(path string) (*node, error) {
	doc, err := readDocument(path)
	if err != nil {
		return nil, err
	}
	if doc.Name != "node" {
		return nil, xml.Errorf(xml.CodeXML, "expecting root element of 'node', not '%s'", doc.Name)
	}
	n := newNode()
	return n, n.read(doc, filepath.Dir(path))
}

func readDocument(path string) (*xml.Node, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, xml.Errorf(xml.CodeSystem, "Failed to open file '%s': %s", path, reason(err))
	}
	defer f.Close()
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, xml.Errorf(xml.CodeSystem, "Failed to read file '%s': %s", path, reason(err))
	}
	return xml.Parse(xml.Source{Name: path, Data: data})
}

// reason is an error of the system in libc's words.
func reason(err error) string {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return err.Error()
	}
	s := errno.Error()
	return strings.ToUpper(s[:1]) + s[1:]
}

// read takes a node's description; files in it lie beside it, in dir.
func (n *node) read(doc *xml.Node, dir string) error {
	if err := n.readHost(doc); err != nil {
		return err
	}
	for _, e := range doc.Elements("domain") {
		if err := n.readDomain(e, dir); err != nil {
			return err
		}
	}
	for _, e := range doc.Elements("network") {
		if err := n.readNetwork(e, dir); err != nil {
			return err
		}
	}
	for _, e := range doc.Elements("interface") {
		if err := n.readInterface(e, dir); err != nil {
			return err
		}
	}
	for _, e := range doc.Elements("device") {
		if err := n.readDevice(e, dir); err != nil {
			return err
		}
	}
	for _, e := range doc.Elements("pool") {
		if err := n.readPool(e, dir); err != nil {
			return err
		}
	}
	if auth := doc.Child("auth"); auth != nil {
		for _, u := range auth.Elements("user") {
			password, _ := u.Attr("password")
			n.users = append(n.users, user{strings.TrimSpace(u.Value()), password})
		}
	}
	return nil
}

// follow gives the document that an element's file attribute names, or the
// element itself.
func follow(e *xml.Node, dir string) (*xml.Node, error) {
	file, ok := e.Attr("file")
	if !ok {
		return e, nil
	}
	if !filepath.IsAbs(file) {
		file = filepath.Join(dir, file)
	}
	return readDocument(file)
}

func (n *node) readHost(doc *xml.Node) error {
	if cpu := doc.Child("cpu"); cpu != nil {
		for _, f := range []struct {
			name string
			at   *int
		}{{"nodes", &n.info.NUMACells}, {"sockets", &n.info.Sockets}, {"cores", &n.info.CoresPerSocket},
			{"threads", &n.info.Threads}, {"active", &n.info.CPUs}, {"mhz", &n.info.MHz}} {
			e := cpu.Child(f.name)
			if e == nil {
				if f.name == "active" {
					n.info.CPUs = n.info.NUMACells * n.info.Sockets * n.info.CoresPerSocket * n.info.Threads
				}
				continue
			}
			v, err := strconv.Atoi(strings.TrimSpace(e.Value()))
			if err != nil {
				return xml.Errorf(xml.CodeXML, "invalid node cpu %s value", f.name)
			}
			*f.at = v
		}
		if m := cpu.Child("model"); m != nil {
			n.info.Model = m.Value()
		}
	}
	if m := doc.Child("memory"); m != nil {
		v, err := strconv.ParseUint(strings.TrimSpace(m.Value()), 10, 64)
		if err != nil {
			return xml.Errorf(xml.CodeXML, "invalid node memory value")
		}
		n.info.Memory = v
	}
	return nil
}

// readDomain takes a domain of a node's description, with the driver's own
// elements: runstate, transient, hasmanagedsave.
func (n *node) readDomain(e *xml.Node, dir string) error {
	e, err := follow(e, dir)
	if err != nil {
		return err
	}
	own, rest := split(e)
	def, err := parse(xml.Source{Name: dir, Data: rest.Print()})
	if err != nil {
		return err
	}
	state := drivers.Running
	if s := own.Child("runstate"); s != nil {
		v, err := strconv.Atoi(strings.TrimSpace(s.Value()))
		if err != nil || v < 0 || v > int(drivers.Crashed) {
			return xml.Errorf(xml.CodeXML, "runstate '%s' out of range", s.Value())
		}
		state = drivers.State(v)
	}
	transient, saved := own.Child("transient") != nil, own.Child("hasmanagedsave") != nil
	g, err := n.define(def, false)
	if err != nil {
		return err
	}
	g.saved = saved
	if state != drivers.ShutOff {
		n.start(g, 0)
		g.enter(state, 0)
	}
	if transient {
		g.config = nil
	}
	for _, s := range own.Elements("domainsnapshot") {
		if err := g.readSnapshot(s); err != nil {
			return err
		}
	}
	return nil
}

// ownSpace is the namespace of the driver's own elements.
const ownSpace = "http://libvirt.org/schemas/domain/test/1.0"

// split parts the driver's own elements (their names without prefix) from a
// domain's.
func split(e *xml.Node) (own, rest *xml.Node) {
	own, r := &xml.Node{Name: "own"}, *e
	r.Children = nil
	for _, c := range e.Children {
		if c.Space == ownSpace {
			k := *c
			k.Name = k.Name[strings.IndexByte(k.Name, ':')+1:]
			own.Children = append(own.Children, &k)
		} else {
			r.Children = append(r.Children, c)
		}
	}
	return own, &r
}

// taints are what the peer's driver finds questionable in a running domain.
func taints(d *xml.Domain) []string {
	var list [4]bool
	for i := range d.Devices.Disks {
		k := &d.Devices.Disks[i]
		list[0] = list[0] || k.RawIO == "yes"
		list[2] = list[2] || k.Device == "cdrom" && k.Type == "block" && k.Source != nil && k.Source.Dev != ""
	}
	for i := range d.Devices.Interfaces {
		list[1] = list[1] || d.Devices.Interfaces[i].Script != nil
	}
	list[3] = d.OS.DTB != ""
	var out []string
	for i, on := range list {
		if on {
			out = append(out, "tainted: "+taintTexts[i])
		}
	}
	if d.CPU != nil && d.CPU.Model == "Deprecated-Test" {
		out = append(out, "tainted: use of deprecated configuration settings", "deprecated configuration: CPU model "+d.CPU.Model)
	}
	return out
}

var taintTexts = [...]string{"running with undesirable elevated privileges", "network configuration using opaque shell scripts",
	"use of host cdrom passthrough", "custom device tree blob used"}
