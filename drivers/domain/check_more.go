package domain

import (
	"slices"
	"strings"

	"virgo/xml"
)

// diskFormats are the formats of images.
const diskFormats = "raw dir bochs cloop dmg iso vpc vdi fat vhd ploop cow qcow qcow2 qed vmdk aio"

// CheckFormat refuses a format that no disk has.
func CheckFormat(format string) error {
	if !contains(strings.Fields(diskFormats), format) {
		return unsupported("unknown driver format value '%s'", format)
	}
	return nil
}

// readDiskParts checks a disk's own elements.
func readDiskParts(v *xml.Disk) error {
	if v.Driver != nil && v.Driver.Type != "" {
		if err := CheckFormat(v.Driver.Type); err != nil {
			return err
		}
	}
	if v.Driver != nil && v.Driver.RErrorPolicy == "enospace" {
		return unsupported("Invalid disk read error policy: '%s'", v.Driver.RErrorPolicy)
	}
	if s := v.Source; s != nil && s.DataStore != nil {
		switch {
		case s.DataStore.Source == nil:
			return xml.Errorf(xml.CodeXML, "missing disk data file store source")
		case s.DataStore.Format == nil || s.DataStore.Format.Type == "":
			return xml.Errorf(xml.CodeXML, "missing data file store format")
		}
	}
	for b := v.BackingStore; b != nil; b = b.BackingStore {
		if b.Source != nil {
			kind := b.Type
			setDefault(&kind, "file")
			keepSource(b.Source, kind)
		}
		if b.Source == nil && b.Type == "" {
			continue
		}
		if b.Source == nil {
			return xml.Errorf(xml.CodeXML, "missing disk backing store source")
		}
		if b.Format == nil {
			return xml.Errorf(xml.CodeXML, "missing disk backing store format")
		}
		if !contains(strings.Fields(diskFormats), b.Format.Type) {
			return xml.Errorf(xml.CodeXML, "unknown storage source format '%s'", b.Format.Type)
		}
	}
	if wwn := strings.TrimPrefix(v.WWN, "0x"); v.WWN != "" && (len(wwn) != 16 || strings.Trim(strings.ToLower(wwn), "0123456789abcdef") != "") {
		return xml.Errorf(xml.CodeInternal, "Malformed wwn: %s", v.WWN)
	}
	if len(v.Vendor) > 8 {
		return unsupported("disk vendor is more than 8 characters")
	}
	if len(v.Product) > 16 {
		return unsupported("disk product is more than 16 characters")
	}
	for _, p := range []struct{ name, text string }{{"vendor", v.Vendor}, {"product", v.Product}} {
		if !printable(p.text) {
			return xml.Errorf(xml.CodeXML, "disk %s is not printable string", p.name)
		}
	}
	if v.Type == "vhostuser" && v.Source != nil && v.Source.Type == "" {
		return xml.Errorf(xml.CodeXML, "missing 'type' attribute for vhostuser disk source")
	}
	if v.Type == "vhostuser" && v.Source != nil && v.Source.Type != "unix" {
		return xml.Errorf(xml.CodeXML, "invalid 'type' attribute for vhostuser disk source")
	}
	if v.Type == "vhostuser" && v.Source != nil && v.Source.Path == "" {
		return xml.Errorf(xml.CodeXML, "missing 'path' attribute for vhostuser disk source")
	}
	if s := v.Source; s != nil && s.Reservations != nil && s.Reservations.Source != nil && s.Reservations.Source.Mode != "" && s.Reservations.Source.Mode != "client" {
		return xml.Errorf(xml.CodeXML, "unsupported connection mode for <reservations/>: %s", s.Reservations.Source.Mode)
	}
	if s := v.Source; s != nil && s.Reservations != nil && s.Reservations.Source != nil {
		switch from := s.Reservations.Source; "" {
		case from.Mode:
			return xml.Errorf(xml.CodeXML, "missing connection mode for <reservations/>")
		case from.Path:
			return xml.Errorf(xml.CodeXML, "missing path for <reservations/>")
		}
	}
	if s := v.Source; s != nil && s.Reservations != nil && s.Reservations.Managed == "" {
		return xml.Errorf(xml.CodeXML, "Missing required attribute 'managed' in element 'reservations'")
	}
	if s := v.Source; s != nil && s.Reservations != nil && s.Reservations.Managed != "yes" && s.Reservations.Source == nil {
		return xml.Errorf(xml.CodeXML, "missing connection type for <reservations/>")
	}
	return readDiskSource(v)
}

// readDiskSource checks the source and drops what its type does not use.
func readDiskSource(v *xml.Disk) error {
	s := v.Source
	if s == nil {
		return nil
	}
	kind := v.Type
	if kind == "" {
		kind = "file"
	}
	switch kind {
	case "network":
		if s.Protocol == "" && (s.Name != "" || v.Device != "cdrom" && v.Device != "floppy") {
			return xml.Errorf(xml.CodeXML, "Missing required attribute 'protocol' in element 'source'")
		}
		if s.Name == "" && s.Protocol != "" && s.Protocol != "nbd" {
			return xml.Errorf(xml.CodeXML, "missing name for disk source")
		}
		if s.Protocol == "rbd" || s.Protocol == "gluster" {
			if pool, image, _ := strings.Cut(s.Name, "/"); pool == "" || image == "" {
				return xml.Errorf(xml.CodeXML, "can't split path '%s' into pool name and image name", s.Name)
			}
		}
		for _, h := range s.Hosts {
			if h.Transport == "unix" && h.Socket == "" {
				return xml.Errorf(xml.CodeXML, "missing socket for unix transport")
			}
			if h.Transport != "unix" && h.Socket != "" {
				transport := h.Transport
				setDefault(&transport, "tcp")
				return xml.Errorf(xml.CodeXML, "transport '%s' does not support socket attribute", transport)
			}
			if h.Name == "" && (h.Transport == "" || h.Transport == "tcp") {
				return xml.Errorf(xml.CodeXML, "missing name for host")
			}
			if h.Port != "" && strings.Trim(h.Port, "0123456789") != "" {
				return xml.Errorf(xml.CodeInvalidArg, "failed to parse port number '%s'", h.Port)
			}
		}
	case "volume":
		if (s.Pool == "") != (s.Volume == "") {
			return xml.Errorf(xml.CodeXML, "'pool' and 'volume' must be specified together for 'pool' type source")
		}
	case "vhostvdpa":
		if s.Dev == "" {
			return xml.Errorf(xml.CodeXML, "Missing required attribute 'dev' in element 'source'")
		}
	case "nvme":
		if s.Type == "" {
			return xml.Errorf(xml.CodeXML, "missing 'type' attribute to disk source")
		}
		if s.Namespace == "" {
			return xml.Errorf(xml.CodeXML, "Missing required attribute 'namespace' in element 'source'")
		}
		if s.Address == nil {
			return xml.Errorf(xml.CodeXML, "NVMe disk source is missing address")
		}
	}
	if i := s.Identity; i != nil && kind == "network" && s.Protocol == "ssh" && i.Keyfile == "" && i.AgentSock == "" {
		return xml.Errorf(xml.CodeXML, "element 'identity' requires either 'keyfile' or 'agentsock' attribute")
	}
	keepSource(s, kind)
	return nil
}

// keepSource drops the attributes that another type of source has.
func keepSource(s *xml.DiskSource, kind string) {
	drop := func(keep bool, to *string) {
		if !keep {
			*to = ""
		}
	}
	drop(kind == "file", &s.File)
	drop(kind == "block" || kind == "vhostvdpa", &s.Dev)
	drop(kind == "dir", &s.Dir)
	drop(kind == "volume", &s.Pool)
	drop(kind == "volume", &s.Volume)
	drop(kind == "volume", &s.Mode)
	drop(kind == "network", &s.Protocol)
	drop(kind == "network", &s.Name)
	drop(kind == "network" && (s.Protocol == "http" || s.Protocol == "https"), &s.Query)
	drop(kind == "network", &s.TLSHostname)
	drop(kind == "vhostuser", &s.Path)
	drop(kind == "nvme" || kind == "vhostuser", &s.Type)
	drop(kind == "nvme", &s.Namespace)
	drop(kind == "file", &s.FDGroup)
	if kind != "nvme" {
		s.Managed = ""
	}
	if kind != "network" {
		s.TLS, s.Hosts, s.Snapshot, s.Config, s.Initiator = "", nil, nil, nil, ""
	}
	keepProtocol(s)
}

// keepProtocol drops what another protocol has.
func keepProtocol(s *xml.DiskSource) {
	web := s.Protocol == "http" || s.Protocol == "https"
	if s.Protocol != "https" && s.Protocol != "ftps" {
		s.SSL = nil
	}
	if !web {
		s.Cookies = nil
	}
	if !web && s.Protocol != "ftp" && s.Protocol != "ftps" {
		s.Readahead, s.Timeout = nil, nil
	}
	if s.Protocol != "ssh" {
		s.KnownHosts = nil
	}
	if s.Protocol != "nbd" && s.Type != "unix" {
		s.Reconnect = nil
	}
	if i := s.Identity; i != nil {
		switch s.Protocol {
		case "nfs":
			*i = xml.Identity{User: i.User, Group: i.Group}
		case "ssh":
			*i = xml.Identity{Username: i.Username, AgentSock: i.AgentSock, Keyfile: i.Keyfile}
		default:
			s.Identity = nil
		}
	}
}

// readSingles refuses what can be there only once.
func readSingles(d *xml.Domain) error {
	dev := &d.Devices
	if err := dev.Doubled; err != nil {
		return err
	}
	for i := range dev.Audios {
		for _, s := range []*xml.AudioSide{dev.Audios[i].Input, dev.Audios[i].Output} {
			if s != nil && s.Settings != nil && s.FixedSettings != "yes" {
				return unsupported("audio settings specified without fixed settings flag")
			}
		}
		for _, s := range []*xml.AudioSide{dev.Audios[i].Input, dev.Audios[i].Output} {
			if s != nil && s.FixedSettings == "yes" && s.MixingEngine != "yes" {
				return unsupported("fixed audio settings requires mixing engine")
			}
		}
	}
	return nil
}

// readNUMACounts checks cells against the number of virtual CPUs.
func readNUMACounts(d *xml.Domain) error {
	if d.VCPU != nil && d.VCPU.None {
		return xml.Errorf(xml.CodeInternal, "CPU IDs in <numa> exceed the <vcpu> count")
	}
	if d.CPU == nil || d.CPU.NUMA == nil {
		return nil
	}
	count, total := 1, 0
	if d.VCPU != nil && d.VCPU.Count > 0 {
		count = int(d.VCPU.Count)
	}
	high := -1
	for i := range d.CPU.NUMA.Cells {
		s, err := xml.ParseSet(d.CPU.NUMA.Cells[i].CPUs)
		if err != nil {
			return err
		}
		total += s.Len()
		high = max(high, s.Last())
	}
	if total > count {
		return xml.Errorf(xml.CodeInternal, "Number of CPUs in <numa> exceeds the <vcpu> count")
	}
	if high >= count {
		return xml.Errorf(xml.CodeInternal, "CPU IDs in <numa> exceed the <vcpu> count")
	}
	return nil
}

// readHostdevSource checks what names the host's device.
func readHostdevSource(h *xml.Hostdev) error {
	s := h.Source
	switch h.Type {
	case "scsi":
		if s.Protocol == "iscsi" {
			if len(s.Hosts) == 0 {
				return xml.Errorf(xml.CodeXML, "missing the host address for the iSCSI hostdev")
			}
			if len(s.Hosts) != 1 {
				return xml.Errorf(xml.CodeXML, "only one source host address may be specified for the iSCSI hostdev")
			}
			if s.Auth != nil {
				switch a := s.Auth; {
				case a.Username == "" || a.Secret == nil || contains([]string{"ceph", "iscsi"}, a.Secret.Type):
				case a.Secret.Type == "":
					return unsupported("invalid secret type (null)")
				default:
					return unsupported("invalid secret type %s", a.Secret.Type)
				}
				if err := readAuth(s.Auth); err != nil {
					return err
				}
				if s.Auth.Secret.Type != "iscsi" {
					return xml.Errorf(xml.CodeInternal, "hostdev invalid secret type '%s'", s.Auth.Secret.Type)
				}
			}
			return nil
		}
		if s.Address == nil {
			return xml.Errorf(xml.CodeXML, "'address' must be specified for scsi hostdev source")
		}
		if s.Adapter == nil || s.Adapter.Name == "" {
			return xml.Errorf(xml.CodeXML, "'adapter' name must be specified for scsi hostdev source")
		}
	case "scsi_host":
		if s.Protocol == "" {
			return xml.Errorf(xml.CodeXML, "Missing required attribute 'protocol' in element 'source'")
		}
		if s.Protocol != "vhost" {
			return xml.Errorf(xml.CodeXML, "Invalid value for attribute 'protocol' in element 'source': '%s'.", s.Protocol)
		}
	case "mdev":
		if h.Model == "" {
			return xml.Errorf(xml.CodeXML, "Missing required attribute 'model' in element 'hostdev'")
		}
		if s.Address == nil {
			return unsupported("Missing <address> element")
		}
		if s.Address.UUID == "" {
			return unsupported("Missing 'uuid' attribute for element <address>")
		}
		if _, ok := xml.ParseUUID(s.Address.UUID); !ok {
			return xml.Errorf(xml.CodeInternal, "Cannot parse uuid attribute of element <address>")
		}
	}
	return nil
}

// readMdevPlaces refuses mediated devices on buses that their model does not have.
func readMdevPlaces(d *xml.Domain) error {
	for i := range d.Devices.Hostdevs {
		h := &d.Devices.Hostdevs[i]
		if a := h.Address; h.Type == "mdev" && a != nil && (h.Model == "vfio-pci" && a.Type != "pci" || h.Model == "vfio-ccw" && a.Type != "ccw") {
			return xml.Errorf(xml.CodeXML, "Unsupported address type '%s' with mediated device model '%s'", a.Type, h.Model)
		}
	}
	return nil
}

// checkPanicModels refuses two of a model.
func checkPanicModels(d *xml.Domain, t *Traits) error {
	list := d.Devices.Panics
	if t.QEMU != nil {
		for i := range list {
			if list[i].Model == "default" {
				list[i].Model = ""
			}
			setDefault(&list[i].Model, defaultPanic(d))
		}
	}
	for i := range list {
		for j := range i {
			if list[i].Model == list[j].Model {
				model := list[i].Model
				setDefault(&model, "default")
				return xml.Errorf(xml.CodeXML, "Multiple panic devices with model '%s'", model)
			}
		}
	}
	if t.QEMU == nil { // one of which nothing is said goes
		d.Devices.Panics = slices.DeleteFunc(list, func(p xml.Panic) bool { return p.Model == "" && p.Address == nil && p.Alias == nil })
	}
	return nil
}

// defaultPanic is the model of a panic device that has none; "" where the
// machine has none that fits.
func defaultPanic(d *xml.Domain) string {
	switch {
	case isPSeries(d):
		return "pseries"
	case isS390(d):
		return "s390"
	case isARMVirt(d):
		return "pvpanic"
	case isX86(d):
		return "isa"
	}
	return ""
}

// printable tells whether a text has only printable characters of ASCII.
func printable(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) < 0
}
