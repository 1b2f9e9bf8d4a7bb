package test

import (
	"bytes"
	"context"
	"encoding/binary"
	"os"
	"path/filepath"

	"virgo/drivers"
	"virgo/drivers/domain"
	"virgo/xml"
)

// saveMagic begins a saved file; the length of the definition follows, and the
// definition.
const saveMagic = "TestGuestMagic\x00\x01"

// writeSave writes a domain's definition to a file.
func writeSave(g *guest, path string, def *xml.Domain) error {
	doc, err := domain.Print(def, &traits, drivers.SecurityInfo|drivers.Inactive)
	if err != nil {
		return err
	}
	head := binary.BigEndian.AppendUint32([]byte(saveMagic), uint32(len(doc)))
	if err := os.WriteFile(path, append(head, doc...), 0o600); err != nil {
		return xml.Errorf(xml.CodeSystem, "saving domain '%s' to '%s': open failed: %s", g.name, path, reason(err))
	}
	return nil
}

// readSave reads it back.
func readSave(path string) (*xml.Domain, error) {
	if full, err := filepath.Abs(path); err == nil {
		path = full
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, xml.Errorf(xml.CodeSystem, "cannot read domain image '%s': %s", path, reason(err))
	}
	rest, ok := bytes.CutPrefix(data, []byte(saveMagic))
	if !ok {
		return nil, xml.Errorf(xml.CodeInternal, "mismatched header magic")
	}
	if len(rest) < 4 || uint32(len(rest)-4) != binary.BigEndian.Uint32(rest) {
		return nil, xml.Errorf(xml.CodeInternal, "length of metadata out of range")
	}
	return parse(xml.Source{Name: path, Data: rest[4:]})
}

// saveFlags refuses what the peer's driver refuses.
func saveFlags(f drivers.Flags, function string) error {
	return drivers.Refuse(f, function, drivers.BypassCache, 1, drivers.Live, 2, drivers.Paused, 4)
}

// Save keeps a running domain in a file and ends it.
func (d domains) Save(_ context.Context, r drivers.Ref, path string, doc []byte, f drivers.Flags) error {
	if err := saveFlags(f, "testDomainSaveFlags"); err != nil {
		return err
	}
	return d.running(r, func(g *guest) error {
		if doc != nil {
			return drivers.Unsupported("virDomainSaveFlags")
		}
		if err := writeSave(g, path, g.live); err != nil {
			return err
		}
		ref := g.ref()
		d.stop(g, 5) // saved
		d.emit(ref, "Stopped", "Saved")
		return nil
	})
}

// Restore starts the domain that a file keeps.
func (d domains) Restore(_ context.Context, path string, doc []byte, f drivers.Flags) error {
	if err := drivers.Refuse(f, "testDomainRestoreFlags", drivers.BypassCache, 1, drivers.Live, 2, drivers.Paused, 4, drivers.ResetNVRAM, 8); err != nil {
		return err
	}
	if doc != nil {
		return xml.Errorf(xml.CodeArgUnsupported, "xml modification unsupported")
	}
	def, err := readSave(path)
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	g, err := d.define(def, true)
	if err != nil {
		return err
	}
	d.start(g, 3) // restored
	d.emit(g.ref(), "Started", "Restored")
	return nil
}

// SaveImageXML prints the definition in a saved file.
func (d domains) SaveImageXML(_ context.Context, path string, f drivers.Flags) ([]byte, error) {
	def, err := readSave(path)
	if err != nil {
		return nil, err
	}
	return domain.Print(def, &traits, f&drivers.SecurityInfo)
}

// SaveImageDefine changes the definition in a saved file.
func (d domains) SaveImageDefine(_ context.Context, path string, src xml.Source, f drivers.Flags) error {
	if err := saveFlags(f, "testDomainSaveImageDefineXML"); err != nil {
		return err
	}
	if _, err := readSave(path); err != nil {
		return err
	}
	def, err := parse(src)
	if err != nil {
		return err
	}
	return writeSave(&guest{name: def.Name}, path, def)
}

// ManagedSave ends a domain such that its next start goes on.
func (d domains) ManagedSave(_ context.Context, r drivers.Ref, f drivers.Flags) error {
	if err := drivers.Refuse(f, "testDomainManagedSave", drivers.ResetNVRAM, 8); err != nil {
		return err
	}
	return d.running(r, func(g *guest) error {
		if g.config == nil {
			return xml.Errorf(xml.CodeOperationInvalid, "cannot do managed save for transient domain")
		}
		ref := g.ref()
		d.stop(g, 5)
		g.saved = true
		d.emit(ref, "Stopped", "Saved")
		return nil
	})
}

// HasManagedSave tells whether there is such a state.
func (d domains) HasManagedSave(_ context.Context, r drivers.Ref) (bool, error) {
	has := false
	err := d.with(r, func(g *guest) error { has = g.saved; return nil })
	return has, err
}

// RemoveManagedSave drops it.
func (d domains) RemoveManagedSave(_ context.Context, r drivers.Ref) error {
	return d.with(r, func(g *guest) error { g.saved = false; return nil })
}

// Dump writes a file that says it is one.
func (d domains) Dump(_ context.Context, r drivers.Ref, path, format string, f drivers.DumpFlags) error {
	n := uint(0)
	for i, on := range []bool{false, f.Live, f.BypassCache, f.Reset, f.MemoryOnly} {
		if on {
			n |= 1 << i
		}
	}
	if n != 0 {
		return drivers.BadFlags(n, "testDomainCoreDumpWithFormat")
	}
	return d.running(r, func(g *guest) error {
		if format != "" && format != "elf" {
			return xml.Errorf(xml.CodeOperationInvalid, "kdump-compressed format is not supported here")
		}
		if err := os.WriteFile(path, []byte("TestGuestMagic"), 0o600); err != nil {
			return xml.Errorf(xml.CodeSystem, "domain '%s' coredump: failed to open %s: %s", g.name, path, reason(err))
		}
		if f.Crash {
			ref := g.ref()
			d.stop(g, drivers.ShutOffCrashed)
			d.emit(ref, "Stopped", "Crashed")
		}
		return nil
	})
}
