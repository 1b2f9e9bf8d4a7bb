package domain

import (
	"math"
	"math/bits"
	"slices"
	"strings"

	"virgo/xml"
)

// checkRead holds what the peer refuses while it reads.
func checkRead(d *xml.Domain, t *Traits) error {
	if err := readBefore(d, t, math.MaxInt); err != nil {
		return err
	}
	for _, s := range readSteps {
		if err := s.check(d); err != nil {
			return err
		}
	}
	for _, s := range []func(*xml.Domain) error{readFirmwareNames, readSystemUUID, readSysinfo, readKeyWrap, dropForeign, readMdevPlaces} {
		if err := s(d); err != nil {
			return err
		}
	}
	if t.QEMU != nil {
		return checkFirmware(d, t)
	}
	return nil
}

// readSteps are what is refused when all devices of some kinds are read: from
// which place on in the order of xml.Devices, and how. Some look at each device
// when it is read, so that the first fault of several is told.
var readSteps = []struct {
	place int
	each  bool
	check func(*xml.Domain) error
}{
	{2, true, readDisks}, {3, false, readControllers}, {4, true, readLeases}, {6, true, readInterfaces}, {12, true, readInputs},
	{16, false, readVideos}, {17, true, readHostdevs}, {19, false, readSingles}, {22, true, readTPMs}, {25, false, readHubs}, {28, false, readSecurity}, {30, true, readNVDIMMs},
}

// earlier is the error that the peer tells instead of one of the decoding: it
// checks each part when it has read it.
func earlier(d *xml.Domain, t *Traits, err error) error {
	if first := readBefore(d, t, d.Failed); first != nil {
		return first
	}
	if !d.Devices.Begun {
		return err
	}
	for _, s := range readSteps {
		if s.place > d.Devices.Failed && !(s.each && s.place == d.Devices.Failed+1) {
			break
		}
		if first := s.check(d); first != nil {
			return first
		}
	}
	return err
}

// wholeSteps are what is refused when a part of the domain is read that stands
// before the devices: from which place on in the order of xml.Domain, and how.
var wholeSteps = []struct {
	place int
	check func(*xml.Domain) error
}{
	{16, readVCPUs}, {17, readVCPUStates}, {18, readIOThreads}, {19, readIOThreadIDs}, {20, readPins}, {20, readScheds}, {20, readCacheTunes}, {21, readNUMACounts}, {23, readNUMATune},
	{25, readKVM}, {31, readPerf}, {34, readOS}, {36, readThrottle},
}

// readBefore is what is refused before any device is read, as far as reading
// has come.
func readBefore(d *xml.Domain, t *Traits, end int) error {
	if end >= 9 {
		if err := readIDs(d, t); err != nil {
			return err
		}
	}
	for _, s := range wholeSteps {
		if s.place > end {
			break
		}
		if err := s.check(d); err != nil {
			return err
		}
	}
	return nil
}

func readIDs(d *xml.Domain, t *Traits) error {
	d.UUID, _ = xml.ParseUUID(d.UUID)
	if strings.Contains(d.Title, "\n") {
		return xml.Errorf(xml.CodeXML, "Domain title can't contain newlines")
	}
	return readSecLabels(d, t)
}

// readSecLabels reads the labels one by one, then compares them. The model
// "none" makes of any type the type "none".
func readSecLabels(d *xml.Domain, t *Traits) error {
	for i := range d.SecLabels {
		s := &d.SecLabels[i]
		switch {
		case s.Type == "static" && s.Label == "" && s.Model != "none":
			return xml.Errorf(xml.CodeXML, "security label is missing")
		case s.Type == "dynamic" && s.Relabel == "no":
			return unsupported("dynamic label type must use resource relabeling")
		case s.Type == "none" && s.Relabel == "yes":
			return unsupported("resource relabeling is not compatible with 'none' label type")
		}
		if s.Model == "none" {
			s.Type = "none"
		}
		if s.Type != "static" {
			s.Label = ""
		}
		if s.Type == "none" || s.Type == "static" {
			s.BaseLabel = ""
		}
	}
	for i := range d.SecLabels {
		for j := range i {
			if model := d.SecLabels[i].Model; model == d.SecLabels[j].Model {
				setDefault(&model, "(null)")
				return xml.Errorf(xml.CodePlain, "seclabel for model %s is already provided", model)
			}
		}
	}
	for i := range d.SecLabels {
		s := &d.SecLabels[i]
		if s.Model == "" && len(d.SecLabels) > 1 {
			return xml.Errorf(xml.CodeXML, "missing security model when using multiple labels")
		}
		if s.Model == "" && t.QEMU != nil && (s.Type == "" || s.Type == "static" || s.BaseLabel != "") {
			return xml.Errorf(xml.CodeXML, "missing security model in domain seclabel")
		}
	}
	return nil
}

func readVCPUs(d *xml.Domain) error {
	if d.VCPU != nil && d.VCPU.Count > math.MaxUint32 {
		return xml.Errorf(xml.CodeXML, "maximum vcpus count must be an integer")
	}
	if d.VCPU != nil && d.VCPU.Current > d.VCPU.Count {
		return unsupported("maximum vCPU count must not be less than current vCPU count")
	}
	return nil
}

func readIOThreads(d *xml.Domain) error {
	if d.IOThreads > 1<<16 {
		return xml.Errorf(xml.CodeXML, "%d iothreads are out of range", d.IOThreads)
	}
	return nil
}

func readIOThreadIDs(d *xml.Domain) error {
	seen := map[uint]bool{}
	for _, t := range d.IOThreadIDs {
		if seen[t.ID] {
			return xml.Errorf(xml.CodeXML, "duplicate iothread id '%d' found", t.ID)
		}
		seen[t.ID] = true
	}
	return nil
}

// readCacheTunes refuses allocations that overlap.
func readCacheTunes(d *xml.Domain) error {
	c := d.CPUTune
	if c == nil {
		return nil
	}
	var taken []xml.CPUSet
	for i := range c.CacheTunes {
		a := &c.CacheTunes[i]
		for j := range a.Caches {
			for k := range j {
				x, y := &a.Caches[j], &a.Caches[k]
				if x.Level == y.Level && x.ID == y.ID && (x.Type == y.Type || x.Type == "both" || y.Type == "both") {
					return xml.Errorf(xml.CodeXML, "Colliding cache allocations for cache level '%d' id '%d', type '%s'", x.Level, x.ID, x.Type)
				}
			}
		}
		for _, o := range taken {
			if o == a.VCPUs {
				return xml.Errorf(xml.CodeXML, "Identical vcpus in cachetunes found")
			}
			if err := overlap(a.VCPUs, o); err != nil {
				return err
			}
		}
		if err := readMonitors(d, a.Monitors, true); err != nil {
			return err
		}
		if len(a.Caches)+len(a.Monitors) > 0 {
			taken = append(taken, a.VCPUs)
		}
	}
	return readMemoryTunes(d, c, taken)
}

// readMemoryTunes does so with bandwidth, which may be of the same vCPUs as
// caches, or as other bandwidth.
func readMemoryTunes(d *xml.Domain, c *xml.CPUTune, taken []xml.CPUSet) error {
	type node struct {
		set xml.CPUSet
		id  uint
	}
	nodes := map[node]bool{}
	for i := range c.MemoryTunes {
		a := &c.MemoryTunes[i]
		for _, o := range taken {
			if err := overlap(a.VCPUs, o); o != a.VCPUs && err != nil {
				return err
			}
		}
		for _, b := range a.Nodes {
			n := node{a.VCPUs, b.ID}
			if nodes[n] {
				return xml.Errorf(xml.CodeXML, "Memory Bandwidth already defined for node %d", b.ID)
			}
			nodes[n] = true
		}
		if err := readMonitors(d, a.Monitors, false); err != nil {
			return err
		}
		if len(a.Nodes)+len(a.Monitors) > 0 {
			taken = append(taken, a.VCPUs)
		}
	}
	return nil
}

// readMonitors checks what watches an allocation, of the vCPUs that there are.
// caches: they watch caches, not bandwidth.
func readMonitors(d *xml.Domain, list []xml.CacheMonitor, caches bool) error {
	for i := range list {
		m := &list[i]
		if caches && m.Level != 3 {
			return xml.Errorf(xml.CodeXML, "Invalid monitor cache level '%d'", m.Level)
		}
		if !limitSet(&m.VCPUs, vcpuCount(d)) {
			return xml.Errorf(xml.CodeInvalidArg, "vcpus is empty")
		}
		for _, o := range list[:i] {
			if o.VCPUs == m.VCPUs {
				return xml.Errorf(xml.CodeInvalidArg, "Identical vcpus found in same type monitors")
			}
		}
	}
	return nil
}

// vcpuCount is how many vCPUs the guest has.
func vcpuCount(d *xml.Domain) int {
	if d.VCPU == nil || d.VCPU.Count == 0 {
		return 1
	}
	return int(d.VCPU.Count)
}

func overlap(a, b xml.CPUSet) error {
	if meet(a, b) {
		return xml.Errorf(xml.CodeXML, "Overlapping vcpus in resctrls")
	}
	return nil
}

func readNUMATune(d *xml.Domain) error {
	n := d.NUMATune
	if n == nil {
		return nil
	}
	cells := 0
	if d.CPU != nil && d.CPU.NUMA != nil {
		cells = len(d.CPU.NUMA.Cells)
	}
	placement := ""
	if d.VCPU != nil {
		placement = d.VCPU.Placement
	}
	if m := n.Memory; m != nil {
		if m.NodeSet == "" && (m.Placement == "static" || m.Placement == "" && placement != "auto") {
			return xml.Errorf(xml.CodeConfigUnsupported, "nodeset for NUMA memory tuning must be set if 'placement' is 'static'")
		}
	}
	if len(n.MemNodes) == 0 {
		return nil
	}
	if n.Memory != nil && (n.Memory.Placement == "auto" || n.Memory.Placement == "" && n.Memory.NodeSet == "" && placement == "auto") {
		return xml.Errorf(xml.CodeConfigUnsupported, "Per-node binding is not compatible with automatic NUMA placement.")
	}
	if cells == 0 {
		return xml.Errorf(xml.CodeXML, "Element 'memnode' is invalid without any guest NUMA cells")
	}
	seen := map[uint]bool{}
	for _, m := range n.MemNodes {
		if int(m.CellID) >= cells {
			return xml.Errorf(xml.CodeXML, "Argument 'cellid' in memnode element must correspond to existing guest's NUMA cell")
		}
		if seen[m.CellID] {
			return xml.Errorf(xml.CodeXML, "Multiple memnode elements with cellid %d", m.CellID)
		}
		seen[m.CellID] = true
	}
	return nil
}

func readDisks(d *xml.Domain) error {
	for i := range d.Devices.Disks {
		v := &d.Devices.Disks[i]
		if v.Target != nil { // Xen's old name of an emulated disk
			v.Target.Dev = strings.TrimPrefix(v.Target.Dev, "ioemu:")
		}
		for j := range v.Throttle {
			if slices.Contains(v.Throttle[:j], v.Throttle[j]) {
				return xml.Errorf(xml.CodeXML, "duplicate filter name '%s' found", v.Throttle[j].Group)
			}
		}
	}
	return nil
}

func diskAuths(v *xml.Disk) []*xml.Auth {
	var out []*xml.Auth
	if v.Auth != nil {
		out = append(out, v.Auth)
	}
	if v.Source != nil && v.Source.Auth != nil {
		out = append(out, v.Source.Auth)
	}
	return out
}

// checkAuth wants the type of secret that a source's protocol uses.
func checkAuth(a *xml.Auth, s *xml.DiskSource) error {
	switch a.Secret.Type {
	case "":
		return xml.Errorf(xml.CodeConfigUnsupported, "unknown secret type '<null>'")
	case "none", "volume", "ceph", "iscsi", "tls", "vtpm":
	default:
		return xml.Errorf(xml.CodeConfigUnsupported, "unknown secret type '%s'", a.Secret.Type)
	}
	want := ""
	if s != nil {
		want = map[string]string{"rbd": "ceph", "iscsi": "iscsi"}[s.Protocol]
	}
	if want != "" && a.Secret.Type != want {
		return xml.Errorf(xml.CodeConfigUnsupported, "invalid secret type '%s'", a.Secret.Type)
	}
	return nil
}

func readInterfaces(d *xml.Domain) error {
	for i := range d.Devices.Interfaces {
		n := &d.Devices.Interfaces[i]
		n.KeepSource()
		if n.MAC != nil && n.MAC.Address != "" {
			m, ok := xml.ParseMAC(n.MAC.Address)
			if !ok {
				return xml.Errorf(xml.CodeXML, "unable to parse mac address '%s'", n.MAC.Address)
			}
			if m[1] == '1' || strings.ContainsRune("3579bdf", rune(m[1])) {
				return xml.Errorf(xml.CodeXML, "expected unicast mac address, found multicast '%s'", n.MAC.Address)
			}
			n.MAC.Address = m
		}
		if err := readInterfaceParts(n); err != nil {
			return err
		}
	}
	return nil
}

// readLeases wants the name of the place of locks.
func readLeases(d *xml.Domain) error {
	for i := range d.Devices.Leases {
		if d.Devices.Leases[i].Lockspace == "" {
			return xml.Errorf(xml.CodePlain, "An error occurred, but the cause is unknown")
		}
	}
	return nil
}

// readVideos refuses two first cards. Memory is a power of two, as QEMU's cards have,
// and the default's if that is too much.
func readVideos(d *xml.Domain) error {
	primary := 0
	for i := range d.Devices.Videos {
		m := d.Devices.Videos[i].Model
		if m == nil {
			continue
		}
		if m.Primary == "yes" {
			primary++
		}
		for _, size := range []*uint{&m.RAM, &m.VRAM} {
			if *size > 0 && *size-1 <= math.MaxUint32 {
				*size = uint(uint32(1) << bits.Len32(uint32(*size-1)))
			}
		}
	}
	if primary > 1 {
		return unsupported("Only one primary video device is supported")
	}
	return nil
}

// readInputs refuses USB where there is none.
func readInputs(d *xml.Domain) error {
	for i := range d.Devices.Inputs {
		in := &d.Devices.Inputs[i]
		if in.Bus == "usb" && noUSB(d) {
			return unsupported("Can't add USB input device. USB bus is disabled")
		}
		if in.Bus == "usb" && in.Address != nil && in.Address.Type != "usb" {
			return xml.Errorf(xml.CodeXML, "Invalid address for a USB device")
		}
	}
	return nil
}

// readHubs does so too.
func readHubs(d *xml.Domain) error {
	if len(d.Devices.Hubs) > 0 && noUSB(d) {
		return unsupported("Can't add USB hub: USB is disabled for this domain")
	}
	for i := range d.Devices.Redirdevs {
		if a := d.Devices.Redirdevs[i].Address; a != nil && a.Type != "usb" {
			return xml.Errorf(xml.CodeXML, "Invalid address for a USB device")
		}
	}
	return nil
}

func readHostdevs(d *xml.Domain) error {
	for i := range d.Devices.Hostdevs {
		h := &d.Devices.Hostdevs[i]
		if h.Mode == "capabilities" {
			if h.Type == "storage" && noUSB(d) { // the first kind of each mode counts as USB
				return unsupported("Can't add host USB device: USB is disabled in this host")
			}
			continue
		}
		if err := readHostdevSource(h); err != nil {
			return err
		}
		if h.Type == "usb" && noUSB(d) {
			return unsupported("Can't add host USB device: USB is disabled in this host")
		}
	}
	return nil
}

// sysinfoNames are the values of SMBIOS tables, in print order.
var sysinfoNames = struct{ bios, system, board, chassis string }{
	"vendor version date release", "manufacturer product version serial uuid sku family",
	"manufacturer product version serial asset location", "manufacturer version serial asset sku",
}

// sortEntries keeps the known values, in print order.
func sortEntries(list []xml.SysinfoEntry, names string) []xml.SysinfoEntry {
	var out []xml.SysinfoEntry
	for _, n := range strings.Fields(names) {
		for _, e := range list {
			if e.Name == n && e.Text != "" {
				out = append(out, e)
				break
			}
		}
	}
	return out
}

func readSysinfo(d *xml.Domain) error {
	for i := range d.Sysinfo {
		s := &d.Sysinfo[i]
		if s.Type == "smbios" {
			s.BIOS, s.System, s.Chassis = sortEntries(s.BIOS, sysinfoNames.bios), sortEntries(s.System, sysinfoNames.system), sortEntries(s.Chassis, sysinfoNames.chassis)
			for j := range s.BaseBoards {
				s.BaseBoards[j].Entries = sortEntries(s.BaseBoards[j].Entries, sysinfoNames.board)
			}
			s.BaseBoards = slices.DeleteFunc(s.BaseBoards, func(b xml.SysinfoBlock) bool { return len(b.Entries) == 0 })
			s.Entries = nil
		}
		for _, e := range d.Sysinfo[i].BIOS {
			if e.Name == "date" && !biosDate(e.Text) {
				return xml.Errorf(xml.CodePlain, "Invalid BIOS 'date' format")
			}
		}
	}
	return nil
}

// biosDate checks mm/dd/yy or mm/dd/yyyy.
func biosDate(s string) bool {
	p := strings.Split(s, "/")
	if len(p) != 3 || len(p[2]) != 2 && len(p[2]) != 4 {
		return false
	}
	num := func(s string) int {
		n := 0
		for _, c := range s {
			if c < '0' || c > '9' {
				return -1
			}
			n = n*10 + int(c-'0')
		}
		return n
	}
	m, day, y := num(p[0]), num(p[1]), num(p[2])
	return m >= 1 && m <= 12 && day >= 1 && day <= 31 && y >= 0 && (len(p[2]) == 2 || y >= 1900)
}
