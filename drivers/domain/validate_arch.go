package domain

import (
	"slices"
	"strings"

	"virgo/xml"
)

// ideBoards are the machines beside PCs that have an IDE controller.
var ideBoards = []string{"g3beige", "malta", "sun4u"}

// checkArch checks devices that only some machines, or only some emulators, have.
func checkArch(d *xml.Domain, q *QEMU) error {
	e, err := q.find(d)
	if err != nil {
		return err
	}
	for _, check := range []func(*xml.Domain, func(string) bool) error{archControllers, archChardevs, archPanics, archOthers} {
		if err := check(d, e.has); err != nil {
			return err
		}
	}
	return archTPMs(d, e.Path, e.has)
}

func archControllers(d *xml.Domain, has func(string) bool) error {
	for i := range d.Devices.Controllers {
		switch c := &d.Devices.Controllers[i]; {
		case c.Type == "ide" && !isX86(d) && !slices.Contains(ideBoards, d.OS.Type.Machine):
			return unsupported("IDE controllers are unsupported for this QEMU binary or machine type")
		case c.Type == "sata" && !has("ich9-ahci"):
			return unsupported("SATA is not supported with this QEMU binary")
		}
	}
	return nil
}

func archChardevs(d *xml.Domain, has func(string) bool) error {
	if len(d.Devices.Parallels) > 0 && (isPSeries(d) || isS390(d)) {
		return unsupported("parallel ports are not supported")
	}
	for i := range d.Devices.Consoles {
		t := d.Devices.Consoles[i].Target
		if t == nil {
			continue
		}
		if driver := map[string]string{"sclp": "sclpconsole", "sclplm": "sclplmconsole"}[t.Type]; driver != "" && !has(driver) {
			return unsupported("%s is not supported in this QEMU binary", driver)
		}
	}
	return nil
}

func archPanics(d *xml.Domain, has func(string) bool) error {
	for i := range d.Devices.Panics {
		p := &d.Devices.Panics[i]
		switch p.Model {
		case "s390":
			if !isS390(d) {
				return unsupported("only S390 guests support panic device of model 's390'")
			}
			if p.Address != nil {
				return unsupported("setting the panic device address is not supported for model 's390'")
			}
		case "pseries":
			if !isPSeries(d) {
				return unsupported("only pSeries guests support panic device of model 'pseries'")
			}
			if p.Address != nil {
				return unsupported("setting the panic device address is not supported for model 'pseries'")
			}
		case "pvpanic":
			if !has("pvpanic-pci") {
				return unsupported("the QEMU binary does not support the PCI pvpanic device")
			}
			if p.Address == nil || p.Address.Type != "pci" {
				return unsupported("pvpanic is supported only with PCI address type")
			}
		}
	}
	return nil
}

// videoDevices are the QOM types of video models, where a machine may lack them.
var videoDevices = [][2]string{{"bochs", "bochs-display"}, {"cirrus", "cirrus-vga"}, {"vga", "VGA"}, {"vmvga", "vmware-svga"}}

func archOthers(d *xml.Domain, has func(string) bool) error {
	for i := range d.Devices.Memories {
		if err := checkQEMUMemory(d, &d.Devices.Memories[i], has); err != nil {
			return err
		}
	}
	if d.Devices.NVRAM != nil && !isPSeries(d) {
		return unsupported("nvram device is only supported for PPC64")
	}
	if isX86(d) {
		return nil
	}
	for i := range d.Devices.Videos {
		for _, v := range videoDevices {
			if m := d.Devices.Videos[i].Model; m != nil && m.Type == v[0] && !has(v[1]) {
				return unsupported("domain configuration does not support video model '%s'", m.Type)
			}
		}
	}
	for i := range d.Devices.Sounds {
		if d.Devices.Sounds[i].Model == "ich9" && !has("ich9-intel-hda") {
			return unsupported("The ich9-intel-hda audio controller is not supported in this QEMU binary")
		}
	}
	for i := range d.Devices.Watchdogs {
		if d.Devices.Watchdogs[i].Model == "diag288" && !isS390(d) {
			return unsupported("diag288 model of watchdog is allowed for s390 and s390x only")
		}
	}
	for i := range d.Devices.Shmems {
		if m := d.Devices.Shmems[i].Model; m != nil && strings.HasPrefix(m.Type, "ivshmem-") && !has(m.Type) {
			return unsupported("shmem model '%s' is not supported by this QEMU binary", m.Type)
		}
	}
	return nil
}

func archTPMs(d *xml.Domain, path string, has func(string) bool) error {
	single, proxy := 0, 0
	for i := range d.Devices.TPMs {
		t := &d.Devices.TPMs[i]
		if t.Model == "spapr-tpm-proxy" {
			proxy++
		} else {
			single++
		}
		if t.Backend != nil && t.Backend.Type == "passthrough" && !has("tpm-passthrough") {
			return unsupported("The QEMU executable %s does not support TPM backend type passthrough", path)
		}
		if t.Model == "tpm-tis" && !has("tpm-tis") && !has("tpm-tis-device") {
			return unsupported("The QEMU executable %s does not support TPM model tpm-tis", path)
		}
	}
	switch {
	case single > 1 && isPPC64(d):
		return unsupported("only a single TPM non-proxy device is supported")
	case proxy > 1:
		return unsupported("only a single TPM Proxy device is supported")
	}
	return nil
}
