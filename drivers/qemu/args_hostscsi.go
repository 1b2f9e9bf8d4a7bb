package qemu

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"virgo/drivers"
	"virgo/xml"
)

// hostSCSI adds a SCSI device of the host, or of an iSCSI target. Its block node
// is numbered after those of the disks.
func (a *args) hostSCSI(h *xml.Hostdev, id string) {
	a.backends++
	prefix := fmt.Sprintf("libvirt-%d-backend", a.backends)
	var p *props
	if h.Source.Protocol == "iscsi" {
		p = a.hostISCSI(h.Source, prefix)
	} else {
		device, err := scsiGeneric(h.Source)
		if err != nil {
			if a.err == nil {
				a.err = err
			}
			return
		}
		p = newProps("driver", "host_device").str("filename", device)
	}
	if p == nil {
		return
	}
	a.blockdev(p.str("node-name", prefix).flag("read-only", h.Readonly))
	d := newProps("driver", "scsi-generic").str("drive", prefix).str("id", id)
	if h.Boot != nil {
		d.num("bootindex", uint64(h.Boot.Order))
	}
	a.device(a.scsiPlace(d, h.Address))
}

// hostISCSI is a device of an iSCSI target.
func (a *args) hostISCSI(s *xml.HostdevSource, prefix string) *props {
	source := &xml.DiskSource{Name: s.Name, Hosts: s.Hosts, Initiator: s.Initiator, Auth: s.Auth}
	return a.iscsi(source, "0", prefix+"-secret0")
}

// scsiGeneric finds the file of a SCSI device of the host.
func scsiGeneric(s *xml.HostdevSource) (string, error) {
	if s.Adapter == nil || s.Address == nil {
		return "", xml.Errorf(xml.CodeInternal, "the SCSI device of the host has no address")
	}
	unit := uint64(0)
	if s.Address.Unit != nil {
		unit = *s.Address.Unit
	}
	at := fmt.Sprintf("%s:%s:%d:%d", strings.TrimPrefix(s.Adapter.Name, "scsi_host"), s.Address.Bus, number(s.Address.Target), unit)
	dir := "/sys/bus/scsi/devices/" + at + "/scsi_generic"
	list, err := os.ReadDir(dir)
	if err != nil {
		var pe *fs.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		return "", xml.Errorf(xml.CodeSystem, "cannot open directory '%s': %s", dir, drivers.SystemText(err))
	}
	if len(list) == 0 {
		return "", xml.Errorf(xml.CodeSystem, "no SCSI generic device in '%s'", dir)
	}
	return "/dev/" + list[0].Name(), nil
}

// vhostSCSI adds a target of the host's kernel.
func (a *args) vhostSCSI(h *xml.Hostdev, id string) {
	const file = "/dev/vhost-scsi"
	if _, err := os.Stat(file); err != nil {
		a.fail(xml.CodeConfigUnsupported, "vhost-scsi device file '%s' cannot be found", file)
		return
	}
	p := newProps("driver", a.virtioName("vhost-scsi", h.Model, h.Address)).str("wwpn", h.Source.WWPN).str("id", id)
	a.device(a.where(p, h.Address, h.ACPI))
}
