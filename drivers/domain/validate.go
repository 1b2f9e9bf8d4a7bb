package domain

import (
	"strings"

	"virgo/xml"
)

// validate checks the complete definition: the whole, then each device, then
// what concerns several of them.
func validate(d *xml.Domain, t *Traits) error {
	steps := []func(*xml.Domain, *Traits) error{
		otherRefused, checkName, checkQEMU, checkWhole, checkDevices, checkAudios, checkDuplicates, checkLifecycle, checkLoader, checkTuning, checkMemNodes, checkThreadPools, checkSealed,
	}
	for _, s := range steps {
		if err := s(d, t); err != nil {
			return err
		}
	}
	return nil
}

func unsupported(format string, args ...any) error {
	return xml.Errorf(xml.CodeConfigUnsupported, format, args...)
}

func checkName(d *xml.Domain, t *Traits) error {
	if strings.Contains(d.Name, "/") && !(t.Driver == "vmware" && t.WideSCSI) {
		return xml.Errorf(xml.CodeXML, "name %s cannot contain '/'", d.Name)
	}
	return nil
}

// checkLoader does with other drivers what QEMU's does early.
func checkLoader(d *xml.Domain, t *Traits) error {
	if t.QEMU != nil {
		return nil
	}
	return checkFirmware(d, t)
}

// checkFirmware checks loader and variables against each other.
func checkFirmware(d *xml.Domain, t *Traits) error {
	o := &d.OS
	plain := func(format string, args ...any) error { return xml.Errorf(xml.CodePlain, format, args...) }
	if o.Firmware != "" {
		if o.Firmware == "bios" && o.NVRAM != nil {
			return plain("firmware type '%s' does not support nvram", o.Firmware)
		}
		enabled := map[string]xml.YesNo{}
		for _, f := range o.FWFeatures {
			enabled[f.Name] = f.Enabled
		}
		if enabled["enrolled-keys"] == "yes" && enabled["secure-boot"] == "no" {
			return plain("firmware feature 'enrolled-keys' cannot be enabled when firmware feature 'secure-boot' is disabled")
		}
	} else {
		if len(o.FWFeatures) > 0 && t.QEMU != nil {
			return plain("cannot use feature-based firmware autoselection when firmware autoselection is disabled")
		}
		if o.Loader != nil && o.Loader.Path == "" || o.Loader == nil && o.NVRAM != nil {
			return plain("no loader path specified and firmware auto selection disabled")
		}
	}
	if o.Loader != nil && o.Kernel == "" && o.Shim != "" {
		return unsupported("shim only allowed with kernel option")
	}
	if l := o.Loader; l != nil {
		if l.Stateless == "yes" && o.NVRAM != nil {
			if o.NVRAM.Template != "" {
				return plain("NVRAM template is not permitted when loader is stateless")
			}
			return plain("NVRAM is not permitted when loader is stateless")
		}
		if o.Firmware != "" && o.Firmware != "efi" && l.Stateless == "no" {
			return plain("Only EFI firmware permits NVRAM")
		}
		if o.Firmware == "" && l.Type != "pflash" && l.Stateless == "no" {
			return plain("Only pflash loader type permits NVRAM")
		}
	}
	return nil
}

func checkWhole(d *xml.Domain, t *Traits) error {
	if c := d.CPU; c != nil && (c.Mode == "custom" || c.Mode == "") && c.Model == "" && c.Check != "" {
		return unsupported("check attribute specified for CPU with no model")
	}
	return nil
}
