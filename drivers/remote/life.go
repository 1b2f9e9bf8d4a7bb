package remote

import (
	"context"
	"os"
	"time"

	libvirt "github.com/digitalocean/go-libvirt"

	"virgo/drivers"
	"virgo/xml"
)

// Define keeps a definition.
func (d domains) Define(ctx context.Context, src xml.Source, f drivers.Flags) (drivers.Ref, error) {
	var x libvirt.Domain
	var err error
	if flags := bits(f, bit{drivers.Validate, uint32(libvirt.DomainDefineValidate)}); flags != 0 {
		err = d.call(ctx, procDomainDefineXMLFlags, []any{string(src.Data), flags}, &x)
	} else {
		err = d.call(ctx, procDomainDefineXML, []any{string(src.Data)}, &x)
	}
	return domainRef(x), err
}

// Undefine drops a definition.
func (d domains) Undefine(ctx context.Context, r drivers.Ref, f drivers.Flags) error {
	flags := bits(f, bit{drivers.ManagedSaveToo, 1}, bit{drivers.SnapshotsToo, 2}, bit{drivers.NVRAMToo, 4}, bit{drivers.KeepNVRAM, 8},
		bit{drivers.CheckpointsToo, 16}, bit{drivers.TPMToo, 32}, bit{drivers.KeepTPM, 64})
	if flags == 0 {
		return d.on(ctx, procDomainUndefine, r)
	}
	return d.on(ctx, procDomainUndefineFlags, r, flags)
}

// startFlags are those of Create and Start.
func startFlags(f drivers.Flags) uint32 {
	return bits(f, bit{drivers.Paused, 1}, bit{drivers.AutoDestroy, 2}, bit{drivers.BypassCache, 4}, bit{drivers.ForceBoot, 8},
		bit{drivers.Validate, 16}, bit{drivers.ResetNVRAM, 32})
}

// Create starts a domain that is not kept.
func (d domains) Create(ctx context.Context, src xml.Source, f drivers.Flags) (drivers.Ref, error) {
	return d.CreateWithFiles(ctx, src, f, nil)
}

// CreateWithFiles is Create with open files for the guest.
func (d domains) CreateWithFiles(ctx context.Context, src xml.Source, f drivers.Flags, files []*os.File) (drivers.Ref, error) {
	var x libvirt.Domain
	in := []any{string(src.Data), startFlags(f)}
	if len(files) == 0 {
		err := d.call(ctx, procDomainCreateXML, in, &x)
		return domainRef(x), err
	}
	err := d.callFiles(ctx, procDomainCreateXMLWithFiles, in, files, &x)
	return domainRef(x), err
}

// Start starts a kept domain.
func (d domains) Start(ctx context.Context, r drivers.Ref, f drivers.Flags) error {
	return d.StartWithFiles(ctx, r, f, nil)
}

// StartWithFiles is Start with open files for the guest.
func (d domains) StartWithFiles(ctx context.Context, r drivers.Ref, f drivers.Flags, files []*os.File) error {
	flags := startFlags(f)
	switch {
	case len(files) > 0:
		return d.callFiles(ctx, procDomainCreateWithFiles, []any{dom(r), flags}, files)
	case flags != 0:
		return d.on(ctx, procDomainCreateWithFlags, r, flags)
	}
	return d.on(ctx, procDomainCreate, r)
}

// callFiles is call with open files.
func (l *link) callFiles(ctx context.Context, procedure uint32, in []any, files []*os.File, out ...any) error {
	p, err := l.start(ctx, programRemote, procedure, in, nil, files)
	if err != nil {
		return err
	}
	return p.wait(ctx, out...)
}

// Destroy ends a domain at once.
func (d domains) Destroy(ctx context.Context, r drivers.Ref, f drivers.Flags) error {
	if flags := bits(f, bit{drivers.Graceful, 1}, bit{drivers.RemoveLogs, 2}); flags != 0 {
		return d.on(ctx, procDomainDestroyFlags, r, flags)
	}
	return d.on(ctx, procDomainDestroy, r)
}

// modeBits are the ways to ask a guest.
func modeBits(modes []string) uint32 {
	n := uint32(0)
	for _, m := range modes {
		n |= 1 << ordinal("acpi agent initctl signal paravirt", m)
	}
	return n
}

// Shutdown asks the guest to shut down.
func (d domains) Shutdown(ctx context.Context, r drivers.Ref, modes []string) error {
	if n := modeBits(modes); n != 0 {
		return d.on(ctx, procDomainShutdownFlags, r, n)
	}
	return d.on(ctx, procDomainShutdown, r)
}

// Reboot asks the guest to reboot.
func (d domains) Reboot(ctx context.Context, r drivers.Ref, modes []string) error {
	return d.on(ctx, procDomainReboot, r, modeBits(modes))
}

// Reset presses the reset button.
func (d domains) Reset(ctx context.Context, r drivers.Ref) error {
	return d.on(ctx, procDomainReset, r, uint32(0))
}

// Suspend stops the vCPUs.
func (d domains) Suspend(ctx context.Context, r drivers.Ref) error {
	return d.on(ctx, procDomainSuspend, r)
}

// Resume lets them go on.
func (d domains) Resume(ctx context.Context, r drivers.Ref) error {
	return d.on(ctx, procDomainResume, r)
}

// SetAutostart marks a domain to be started with the host.
func (d domains) SetAutostart(ctx context.Context, r drivers.Ref, on bool) error {
	return d.on(ctx, procDomainSetAutostart, r, number(on))
}

// AutostartOnce tells whether it is started with the host's next start.
func (d domains) AutostartOnce(ctx context.Context, r drivers.Ref) (bool, error) {
	var on int32
	err := d.ask(ctx, procDomainGetAutostartOnce, r, nil, &on)
	return on == 1, err
}

// SetAutostartOnce marks it for that.
func (d domains) SetAutostartOnce(ctx context.Context, r drivers.Ref, on bool) error {
	return d.on(ctx, procDomainSetAutostartOnce, r, number(on))
}

// Rename gives an inactive domain another name.
func (d domains) Rename(ctx context.Context, r drivers.Ref, name string) error {
	return d.on(ctx, procDomainRename, r, &name, uint32(0))
}

// saveFlags say how a saved domain goes on.
func saveFlags(f drivers.Flags) uint32 {
	return bits(f, bit{drivers.BypassCache, 1}, bit{drivers.Live, 2}, bit{drivers.Paused, 4}, bit{drivers.ResetNVRAM, 8})
}

// Save saves a running domain in a file of the daemon's machine.
func (d domains) Save(ctx context.Context, r drivers.Ref, path string, doc []byte, f drivers.Flags) error {
	if flags := saveFlags(f); flags != 0 || doc != nil {
		return d.on(ctx, procDomainSaveFlags, r, path, document(doc), flags)
	}
	return d.on(ctx, procDomainSave, r, path)
}

// SaveWith is Save with more parameters: image_format, parallel.channels.
func (d domains) SaveWith(ctx context.Context, r drivers.Ref, p []drivers.Param, f drivers.Flags) error {
	return d.on(ctx, procDomainSaveParams, r, typed(p), saveFlags(f))
}

func document(doc []byte) *string {
	if doc == nil {
		return nil
	}
	text := string(doc)
	return &text
}

// Restore starts the domain that a file has.
func (d domains) Restore(ctx context.Context, path string, doc []byte, f drivers.Flags) error {
	if flags := saveFlags(f); flags != 0 || doc != nil {
		return d.call(ctx, procDomainRestoreFlags, []any{path, document(doc), flags})
	}
	return d.call(ctx, procDomainRestore, []any{path})
}

// RestoreWith is Restore with more parameters.
func (d domains) RestoreWith(ctx context.Context, p []drivers.Param, f drivers.Flags) error {
	return d.call(ctx, procDomainRestoreParams, []any{typed(p), saveFlags(f)})
}

// SaveImageXML is the document in a saved file.
func (d domains) SaveImageXML(ctx context.Context, path string, f drivers.Flags) ([]byte, error) {
	var doc string
	err := d.call(ctx, procDomainSaveImageGetXMLDesc, []any{path, bits(f, bit{drivers.SecurityInfo, 1})}, &doc)
	return []byte(doc), err
}

// SaveImageDefine changes it.
func (d domains) SaveImageDefine(ctx context.Context, path string, src xml.Source, f drivers.Flags) error {
	return d.call(ctx, procDomainSaveImageDefineXML, []any{path, string(src.Data), saveFlags(f)})
}

// ManagedSave saves a domain where its next start finds it.
func (d domains) ManagedSave(ctx context.Context, r drivers.Ref, f drivers.Flags) error {
	return d.on(ctx, procDomainManagedSave, r, saveFlags(f))
}

// HasManagedSave tells whether it is saved.
func (d domains) HasManagedSave(ctx context.Context, r drivers.Ref) (bool, error) {
	var has int32
	err := d.ask(ctx, procDomainHasManagedSaveImage, r, []any{uint32(0)}, &has)
	return has == 1, err
}

// RemoveManagedSave drops the saved state.
func (d domains) RemoveManagedSave(ctx context.Context, r drivers.Ref) error {
	return d.on(ctx, procDomainManagedSaveRemove, r, uint32(0))
}

// ManagedSaveXML is the document in the saved state.
func (d domains) ManagedSaveXML(ctx context.Context, r drivers.Ref, f drivers.Flags) ([]byte, error) {
	var doc string
	err := d.ask(ctx, procDomainManagedSaveGetXMLDesc, r, []any{bits(f, bit{drivers.SecurityInfo, 1})}, &doc)
	return []byte(doc), err
}

// DefineManagedSave changes it.
func (d domains) DefineManagedSave(ctx context.Context, r drivers.Ref, src xml.Source, f drivers.Flags) error {
	return d.on(ctx, procDomainManagedSaveDefineXML, r, document(src.Data), saveFlags(f))
}

// dumpFormats are the formats of memory, by the daemon's numbers.
const dumpFormats = "raw kdump-zlib kdump-lzo kdump-snappy win-dmp kdump-raw-zlib kdump-raw-lzo kdump-raw-snappy"

// Dump writes a domain's memory to a file of the daemon's machine.
func (d domains) Dump(ctx context.Context, r drivers.Ref, path, format string, f drivers.DumpFlags) error {
	flags := when(f.Crash, 1) | when(f.Live, 2) | when(f.BypassCache, 4) | when(f.Reset, 8) | when(f.MemoryOnly, 16)
	if format == "" || format == "elf" {
		return d.on(ctx, procDomainCoreDump, r, path, flags)
	}
	return d.on(ctx, procDomainCoreDumpWithFormat, r, path, uint32(ordinal(dumpFormats, format)), flags)
}

// Screenshot takes a picture of a screen.
func (d domains) Screenshot(ctx context.Context, r drivers.Ref, screen int) (string, []byte, error) {
	var mime optString
	s, err := d.open(ctx, procDomainScreenshot, []any{dom(r), uint32(screen), uint32(0)}, nil, &mime)
	if err != nil {
		return "", nil, err
	}
	var data []byte
	for {
		c, err := s.next(ctx)
		if len(c.data) > 0 {
			data = append(data, c.data...)
		}
		if len(data) > maxPicture {
			s.abort()
			return "", nil, xml.Bare(xml.CodeOperationFailed, "the picture has more than %d bytes", maxPicture)
		}
		if err != nil && notEOF(err) == nil {
			break
		}
		if err != nil {
			s.abort()
			return "", nil, err
		}
	}
	return textOf(mime), data, s.finish(ctx)
}

// maxPicture is the most that a picture may have, in bytes: a screen of 16384 by
// 4096 points as a pixmap.
const maxPicture = 256 << 20

// SetLifecycleAction sets what follows poweroff, reboot and crash.
func (d domains) SetLifecycleAction(ctx context.Context, r drivers.Ref, event, action string, f drivers.Flags) error {
	return d.on(ctx, procDomainSetLifecycleAction, r, uint32(ordinal("poweroff reboot crash", event)),
		uint32(ordinal("destroy restart rename-restart preserve coredump-destroy coredump-restart", action)), impact(f))
}

// InjectNMI sends a non-maskable interrupt.
func (d domains) InjectNMI(ctx context.Context, r drivers.Ref) error {
	return d.on(ctx, procDomainInjectNmi, r, uint32(0))
}

// codesets are the ways to name keys, by the daemon's numbers.
const codesets = "linux xt atset1 atset2 atset3 os_x xt_kbd usb win32 qnum"

// SendKey presses keys together.
func (d domains) SendKey(ctx context.Context, r drivers.Ref, codeset string, hold time.Duration, keys []uint) error {
	codes := make([]uint32, len(keys))
	for i, k := range keys {
		codes[i] = uint32(k)
	}
	return d.on(ctx, procDomainSendKey, r, uint32(ordinal(codesets, codeset)), uint32(hold.Milliseconds()), codes, uint32(0))
}

// SendSignal sends a signal to a process of the guest.
func (d domains) SendSignal(ctx context.Context, r drivers.Ref, pid int64, signal int) error {
	return d.on(ctx, procDomainSendProcessSignal, r, pid, uint32(signal), uint32(0))
}

// SetPassword sets a user's password in the guest.
func (d domains) SetPassword(ctx context.Context, r drivers.Ref, user, password string, encrypted bool) error {
	return d.on(ctx, procDomainSetUserPassword, r, &user, &password, when(encrypted, 1))
}

// PMSuspend sends the guest to sleep.
func (d domains) PMSuspend(ctx context.Context, r drivers.Ref, target string, t time.Duration) error {
	return d.on(ctx, procDomainPmSuspendForDuration, r, uint32(ordinal("mem disk hybrid", target)), uint64(t/time.Second), uint32(0))
}

// PMWakeup wakes the guest.
func (d domains) PMWakeup(ctx context.Context, r drivers.Ref) error {
	return d.on(ctx, procDomainPmWakeup, r, uint32(0))
}
