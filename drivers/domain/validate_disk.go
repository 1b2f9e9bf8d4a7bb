package domain

import (
	"slices"
	"strings"

	"virgo/xml"
)

// checkDisk checks what no driver takes.
func checkDisk(c *deviceCheck, v *xml.Disk) error {
	for _, check := range []func(*deviceCheck, *xml.Disk) error{diskPlaces, diskThreads, diskSwitches, diskVirtio, diskPresent, diskSource, diskVhostUser} {
		if err := check(c, v); err != nil {
			return err
		}
	}
	return nil
}

// diskPlaces checks names, bus and address.
func diskPlaces(c *deviceCheck, v *xml.Disk) error {
	bus := diskBus(v)
	if diskName(v) == "" {
		if s := sourceText(v); s != "" {
			return xml.Errorf(xml.CodePlain, "missing target information for device %s", s)
		}
		return xml.Errorf(xml.CodePlain, "missing target information for device")
	}
	if s := v.Source; v.Device == "lun" && v.Type == "network" && s != nil && s.Protocol != "iscsi" {
		return unsupported("disk device='lun' is not supported for protocol='%s'", s.Protocol)
	}
	if v.Device == "lun" && v.Type != "block" && !(v.Type == "network" && v.Source != nil && v.Source.Protocol == "iscsi") && v.Type != "volume" {
		return unsupported("disk device='lun' is only valid for block type disk source")
	}
	if v.Device == "floppy" && bus != "fdc" {
		return xml.Errorf(xml.CodeInternal, "Invalid bus type '%s' for floppy disk", bus)
	}
	if v.Device != "floppy" && bus == "fdc" {
		return xml.Errorf(xml.CodeInternal, "Invalid bus type 'fdc' for disk")
	}
	if v.Device == "floppy" && !strings.HasPrefix(v.Target.Dev, "fd") {
		return xml.Errorf(xml.CodeInternal, "Invalid floppy device name: %s", v.Target.Dev)
	}
	if a := v.Address; a != nil && a.Type != "drive" {
		switch bus {
		case "ide", "scsi", "sata", "fdc":
			return unsupported("Invalid address type '%s' for the disk '%s' with the bus type '%s'", a.Type, v.Target.Dev, bus)
		}
	}
	return nil
}

// diskThreads wants threads to be named in one way.
func diskThreads(_ *deviceCheck, v *xml.Disk) error {
	if v.Driver != nil && v.Driver.IOThread > 0 && len(v.Driver.IOThreads) > 0 {
		return xml.Errorf(xml.CodeXML, "disk driver 'iothread' attribute can't be used together with 'iothreads' subelement")
	}
	return nil
}

// diskSwitches checks what only some kinds of drives have.
func diskSwitches(c *deviceCheck, v *xml.Disk) error {
	if v.Device == "lun" {
		if v.Driver != nil && v.Driver.Type != "" && v.Driver.Type != "raw" {
			return unsupported("disk device 'lun' must use 'raw' format")
		}
	} else {
		if v.RawIO != "" {
			return unsupported("rawio can be used only with device='lun'")
		}
		if v.SGIO == "filtered" {
			return unsupported("sgio can be used only with device='lun'")
		}
	}
	if v.SGIO == "unfiltered" {
		return unsupported("unfiltered sgio is no longer supported")
	}
	if v.Target.Removable != "" && v.Target.Bus != "usb" {
		return xml.Errorf(xml.CodeXML, "removable is only valid for usb or scsi disks")
	}
	if v.Target.Tray != "" && v.Device != "cdrom" && v.Device != "floppy" {
		return unsupported("tray is only valid for cdrom and floppy")
	}
	if s := v.Source; s != nil && s.StartupPolicy != "" && contains([]string{"network", "nvme", "vhostuser", "vhostvdpa"}, v.Type) {
		return xml.Errorf(xml.CodeXML, "disk startupPolicy '%s' is not allowed for disk of '%s' type", s.StartupPolicy, v.Type)
	}
	if s := v.Source; s != nil && s.StartupPolicy == "requisite" && v.Device != "cdrom" && v.Device != "floppy" {
		return xml.Errorf(xml.CodeXML, "disk startupPolicy 'requisite' is allowed only for cdrom or floppy")
	}
	if v.Source != nil && v.Source.DataStore != nil && (v.Driver == nil || v.Driver.Type != "qcow2") {
		return unsupported("<dataStore> feature available only with qcow2 images")
	}
	if dr := v.Driver; dr != nil && dr.DiscardNoUnref == "on" && dr.Type != "qcow2" {
		return unsupported("'discard_no_unref' only works with qcow2 disk format")
	}
	for _, f := range v.Throttle {
		if !slices.ContainsFunc(c.d.Throttle, func(t xml.ThrottleGroup) bool { return t.Group == f.Group }) {
			return xml.Errorf(xml.CodeXML, "throttle group '%s' not found", f.Group)
		}
	}
	return nil
}

// diskPresent refuses a disk with a name of another kind, or of nothing, unless its
// medium can be changed.
func diskPresent(_ *deviceCheck, v *xml.Disk) error {
	if v.Device == "disk" && (!diskPrefixed(v.Target.Dev) || strings.HasPrefix(v.Target.Dev, "fd")) {
		return xml.Errorf(xml.CodeInternal, "Invalid harddisk device name: %s", v.Target.Dev)
	}
	if sourceMissing(v) && v.Device != "cdrom" && v.Device != "floppy" {
		return xml.Errorf(xml.CodePlain, "missing source information for device %s", v.Target.Dev)
	}
	return nil
}

// diskVirtio refuses what only virtio disks have.
func diskVirtio(c *deviceCheck, v *xml.Disk) error {
	bus := v.Target.Bus
	if bus == "virtio" {
		return nil
	}
	if v.Model != "" {
		return unsupported("disk model '%s' not supported for bus '%s'", v.Model, bus)
	}
	dr := v.Driver
	if dr == nil {
		return nil
	}
	switch {
	case dr.Queues > 0:
		return unsupported("queues attribute in disk driver element is only supported for virtio bus")
	case dr.QueueSize > 0:
		return unsupported("queue_size attribute in disk driver is only supported for virtio bus")
	case dr.EventIdx != "":
		return unsupported("disk event_idx mode supported only for virtio bus")
	case dr.IOEventFD != "":
		return unsupported("disk ioeventfd mode supported only for virtio bus")
	}
	return noVirtioSwitches(dr.IOMMU, dr.ATS, dr.Packed, dr.PagePerVQ)
}

// authProtocols are those with which a user can log in.
var authProtocols = []string{"rbd", "iscsi", "http", "https", "ftp", "ftps", "ssh"}

// diskSource checks where the data lies and who may read it.
func diskSource(c *deviceCheck, v *xml.Disk) error {
	s := v.Source
	if s == nil {
		return nil
	}
	if s.Protocol == "sheepdog" {
		return unsupported("'sheepdog' protocol is no longer supported by any hypervisor driver")
	}
	for _, a := range diskAuths(v) {
		if err := authSecret(a, s.Protocol); err != nil {
			return err
		}
	}
	if s.FDGroup != "" && c.e == nil {
		return unsupported("driver does not support FD passing for disk '%s'", v.Target.Dev)
	}
	for _, e := range []*xml.Encryption{v.Encryption, s.Encryption} {
		if e != nil && e.Cipher != nil {
			return unsupported("supplying <cipher> for domain disk definition is unnecessary")
		}
	}
	if len(diskAuths(v)) > 0 && v.Type == "network" && !slices.Contains(authProtocols, s.Protocol) {
		return unsupported("authentication is not supported for protocol '%s'", s.Protocol)
	}
	for _, k := range s.Cookies {
		if strings.ContainsAny(k.Name, "\"()<>@,;:\\/[]?={} \t") {
			return xml.Errorf(xml.CodeXML, "cookie name '%s' contains invalid characters", k.Name)
		}
		value := k.Text
		if n := len(value); n > 1 && value[0] == '"' && value[n-1] == '"' {
			value = value[1 : n-1]
		}
		if strings.ContainsAny(value, "\",;\\ \t") {
			return xml.Errorf(xml.CodeXML, "value of cookie '%s' contains invalid characters", k.Name)
		}
	}
	if s.Reservations != nil && v.Device != "lun" {
		return unsupported("<reservations/> allowed only for lun devices")
	}
	if v.Type == "nvme" && (s.Namespace == "" || strings.Trim(s.Namespace, "0") == "") {
		return unsupported("NVMe namespace can't be zero")
	}
	return nil
}

// authSecret wants a kind of secret that the protocol takes.
func authSecret(a *xml.Auth, protocol string) error {
	want := map[string]string{"rbd": "ceph", "iscsi": "iscsi"}[protocol]
	switch typ := a.Secret.Type; {
	case typ == "":
		return unsupported("unknown secret type '<null>'")
	case typ != "ceph" && typ != "iscsi":
		return unsupported("unknown secret type '%s'", typ)
	case want != "" && typ != want:
		return unsupported("invalid secret type '%s'", typ)
	}
	return nil
}

// diskVhostUser refuses what the process behind a vhost-user disk decides.
func diskVhostUser(c *deviceCheck, v *xml.Disk) error {
	if v.Type != "vhostuser" {
		return nil
	}
	if v.Target.Bus != "virtio" {
		return unsupported("vhostuser disk supports only virtio bus")
	}
	if v.Snapshot != "" && v.Snapshot != "no" {
		return unsupported("only snapshot=no is supported with vhostuser disk")
	}
	dr := v.Driver
	if dr == nil {
		dr = &xml.DiskDriver{}
	}
	for _, f := range []struct {
		set  bool
		what string
	}{
		{dr.Cache != "", "cache"}, {dr.ErrorPolicy != "" || dr.RErrorPolicy != "", "error_policy"}, {dr.IO != "", "io"}, {dr.IOEventFD != "", "ioeventfd"},
		{dr.CopyOnRead != "", "copy_on_read"}, {dr.Discard != "", "discard"}, {dr.IOThread != 0, "iothread"}, {dr.DetectZeroes != "", "detect_zeroes"},
		{v.IOTune != nil, "iotune"}, {v.BackingStore != nil, "backingStore"}, {v.Encryption != nil || v.Source.Encryption != nil, "encryption"},
		{v.Readonly, "readonly"}, {v.Shareable, "shareable"}, {v.Transient != nil, "transient"}, {v.Serial != "", "serial"}, {v.WWN != "", "wwn"},
		{v.Vendor != "", "vendor"}, {v.Product != "", "product"}, {v.Auth != nil || v.Source.Auth != nil, "auth"}, {v.Geometry != nil, "geometry"}, {v.BlockIO != nil && *v.BlockIO != (xml.BlockIO{}), "blockio"},
	} {
		if f.set {
			return unsupported("%s is not supported with vhostuser disk", f.what)
		}
	}
	return nil
}

// sourceMissing tells whether nothing says where the disk's data lies.
func sourceMissing(v *xml.Disk) bool {
	switch v.Type {
	case "network", "nvme", "vhostuser", "vhostvdpa", "volume":
		return v.Source == nil
	}
	return sourceText(v) == "" && !(v.Device == "lun" && v.Source != nil && v.Source.StartupPolicy != "")
}

// sourceText is where a disk's data lies, for messages: a path or what is called so.
func sourceText(v *xml.Disk) string {
	s := v.Source
	switch {
	case s == nil:
		return ""
	case v.Type == "block":
		return s.Dev
	case v.Type == "dir":
		return s.Dir
	case v.Type == "network" && (s.Protocol == "rbd" || s.Protocol == "gluster"):
		if _, image, ok := strings.Cut(s.Name, "/"); ok { // behind the pool or volume
			return image
		}
		return s.Name
	case v.Type == "network":
		return s.Name
	case v.Type == "file" || v.Type == "":
		return s.File
	}
	return ""
}
