package qemu

import (
	"reflect"
	"slices"

	"virgo/drivers/domain"
	"virgo/xml"
)

// Which device of a domain a document means: what the peer compares of each kind.
// A place or a name that the document does not give may be any.

// same finds the domain's device that a document means; nil: none. A guest's
// character devices are meant by all that they have by now.
func same(d *xml.Domain, v *domain.Device, live bool) *domain.Device {
	for _, c := range domain.All(d, v.Kind) {
		if samePlace(c, v) && sameDevice(d, c, v, live) {
			return c
		}
	}
	return nil
}

// samePlace tells whether a device is where a document says.
func samePlace(have, want *domain.Device) bool {
	switch want.Kind {
	case "serial", "parallel", "channel", "console", "hostdev", "controller", "lease", "filesystem":
		return true
	}
	a, b := have.Address(), want.Address()
	return b == nil || a != nil && reflect.DeepEqual(*a, *b)
}

func sameDevice(d *xml.Domain, have, want *domain.Device, live bool) bool {
	switch w := want.Value.(type) {
	case *xml.Controller:
		h := have.Value.(*xml.Controller)
		return w.Index != nil && h.Type == w.Type && number(h.Index) == *w.Index
	case *xml.Lease:
		h := have.Value.(*xml.Lease)
		return h.Lockspace == w.Lockspace && h.Key == w.Key
	case *xml.RNG:
		h := have.Value.(*xml.RNG)
		return h.Model == w.Model && equal(h.Rate, w.Rate) && h.Backend != nil && w.Backend != nil && h.Backend.Model == w.Backend.Model &&
			h.Backend.Path == w.Backend.Path && sameSource(&h.Backend.Chardev, &w.Backend.Chardev, live)
	case *xml.Watchdog:
		h := have.Value.(*xml.Watchdog)
		return h.Model == w.Model && (w.Action == "" || h.Action == w.Action) && (w.Alias == nil || aliasOf(h.Alias) == aliasOf(w.Alias))
	case *xml.Input:
		h := have.Value.(*xml.Input)
		bus := w.Bus
		if bus == "" {
			bus = domain.InputBus(d, w)
		}
		return h.Type == w.Type && h.Bus == bus && (w.Source == nil || h.Source != nil && h.Source.EvDev == w.Source.EvDev)
	case *xml.Shmem:
		return sameShmem(have.Value.(*xml.Shmem), w)
	case *xml.Redirdev:
		h := have.Value.(*xml.Redirdev)
		return h.Bus == w.Bus && sameSource(&h.CharSource, &w.CharSource, live)
	case *xml.Filesystem:
		h := have.Value.(*xml.Filesystem)
		return h.Target != nil && w.Target != nil && h.Target.Dir == w.Target.Dir
	case *xml.Hostdev:
		return sameHostdev(have.Value.(*xml.Hostdev), w)
	case *xml.MemoryDevice:
		return sameMemory(have.Value.(*xml.MemoryDevice), w)
	case *xml.Vsock:
		h := have.Value.(*xml.Vsock)
		return numbered(h.Model, "0", "1", "2") == numbered(w.Model, "0", "1", "2") && h.CID != nil && w.CID != nil && (h.CID.Auto == "yes") == (w.CID.Auto == "yes")
	case *xml.IOMMU:
		return true // the peer asks no more of the only one
	case *xml.Sound:
		h := have.Value.(*xml.Sound)
		return h.Model == w.Model && slices.Equal(h.Codecs, w.Codecs)
	case *xml.Chardev:
		h := have.Value.(*xml.Chardev)
		return sameSource(&h.CharSource, &w.CharSource, live) && sameTarget(want.Kind, h.Target, w.Target)
	}
	return false
}

func equal[T comparable](a, b *T) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

// sameSource compares the host's side of character devices. Which pseudo
// terminal it is counts only in a running guest.
func sameSource(a, b *xml.CharSource, live bool) bool {
	if a.Type != b.Type {
		return false
	}
	reconnect := equalReconnect(a.Reconnect, b.Reconnect)
	switch a.Type {
	case "pty":
		return !live || a.Path == b.Path
	case "dev", "pipe":
		return a.Path == b.Path
	case "file":
		return a.Path == b.Path && a.Append == b.Append
	case "unix":
		return a.Path == b.Path && a.Mode == b.Mode && reconnect
	case "tcp":
		return a.Mode == b.Mode && a.Host == b.Host && a.Service == b.Service && protocol(a) == protocol(b) && reconnect
	case "udp":
		return a.Host == b.Host && a.Service == b.Service && a.BindHost == b.BindHost && a.BindPort == b.BindPort
	case "spiceport", "dbus":
		return a.Channel == b.Channel
	case "nmdm":
		return a.Master == b.Master && a.Slave == b.Slave
	case "qemu-vdagent":
		return a.Clipboard == b.Clipboard && a.Mouse == b.Mouse
	}
	return true
}

func protocol(s *xml.CharSource) string {
	if s.Protocol == "" {
		return "raw"
	}
	return s.Protocol
}

func equalReconnect(a, b *xml.CharReconnect) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Enabled == b.Enabled && equal(a.Timeout, b.Timeout)
}

// sameTarget compares the guest's side of character devices. A port that is not
// given is none that a device has.
func sameTarget(kind string, a, b *xml.CharTarget) bool {
	if a == nil {
		a = &xml.CharTarget{}
	}
	if b == nil {
		b = &xml.CharTarget{}
	}
	switch kind {
	case "channel":
		if a.Type != b.Type {
			return false
		}
		if a.Type == "guestfwd" {
			return a.Address == b.Address && equal(a.Port, b.Port)
		}
		return a.Name == b.Name
	case "serial":
		if a.Type != b.Type && (b.Type != "" || a.Type == "usb-serial" || a.Type == "pci-serial") {
			return false
		}
	}
	return b.Port != nil && equal(a.Port, b.Port)
}

// serialConsole tells whether a console is the one that is a serial port.
func serialConsole(v *domain.Device) bool {
	k, ok := v.Value.(*xml.Chardev)
	return ok && v.Kind == "console" && (k.Target == nil || k.Target.Type == "" || k.Target.Type == "serial")
}

func shmemModel(s *xml.Shmem) string {
	if s.Model == nil {
		return "ivshmem"
	}
	return s.Model.Type
}

func sameShmem(a, b *xml.Shmem) bool {
	size := func(s *xml.Shmem) uint64 {
		switch {
		case s.Size != nil:
			return uint64(*s.Size)
		case shmemModel(s) == "ivshmem-doorbell":
			return 0
		}
		return 4 << 20
	}
	server := func(s *xml.Shmem) string {
		if s.Server == nil {
			return ""
		}
		if s.Server.Path == "" {
			return "/var/lib/libvirt/shmem-" + s.Name + "-sock"
		}
		return s.Server.Path
	}
	vectors := func(s *xml.Shmem) uint {
		if s.MSI == nil {
			return 0
		}
		return uint(s.MSI.Vectors)
	}
	return a.Name == b.Name && shmemModel(a) == shmemModel(b) && a.Role == b.Role && size(a) == size(b) && server(a) == server(b) && vectors(a) == vectors(b)
}

// sameHostdev tells whether two are the same device of the host.
func sameHostdev(a, b *xml.Hostdev) bool {
	if a.Type != b.Type || (a.Mode == "capabilities") != (b.Mode == "capabilities") || a.Source == nil || b.Source == nil {
		return false
	}
	x, y := a.Source, b.Source
	if a.Type == "usb" && y.Address == nil { // by its makers' numbers
		return x.Vendor != nil && x.Product != nil && y.Vendor != nil && y.Product != nil && equal(x.Vendor.ID, y.Vendor.ID) && equal(x.Product.ID, y.Product.ID)
	}
	if a.Type == "usb" {
		return x.Address != nil && x.Address.Bus == y.Address.Bus && equal(x.Address.Device, y.Address.Device)
	}
	key := domain.HostDevice(b)
	return key != "" && domain.HostDevice(a) == key && x.Block == y.Block && x.Char == y.Char && x.Interface == y.Interface
}

func sameMemory(a, b *xml.MemoryDevice) bool {
	if a.Model != b.Model || a.Target == nil || b.Target == nil {
		return false
	}
	x, y := a.Source, b.Source
	if x == nil {
		x = &xml.MemorySource{}
	}
	if y == nil {
		y = &xml.MemorySource{}
	}
	s, t := a.Target, b.Target
	return x.Path == y.Path && x.PageSize == y.PageSize && x.AlignSize == y.AlignSize && x.PMem == y.PMem && reflect.DeepEqual(x.NodeMask, y.NodeMask) &&
		s.Size == t.Size && equal(s.Node, t.Node) && s.Block == t.Block && equal(s.Requested, t.Requested)
}
