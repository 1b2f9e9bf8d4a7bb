package domain

import (
	"math"

	"virgo/xml"
)

// deviceCheck checks the devices of a definition one by one: of each first what no
// driver takes, then what QEMU does not. The order of kinds is the peer's, and
// decides which of several errors is told.
type deviceCheck struct {
	d    *xml.Domain
	t    *Traits
	e    *Emulator // nil: not QEMU
	path string
	err  error
}

// has tells whether the emulator has a device.
func (c *deviceCheck) has(device string) bool { return c.e.has(device) }

// checkDevices checks each device by itself.
func checkDevices(d *xml.Domain, t *Traits) error {
	c := &deviceCheck{d: d, t: t, path: d.Devices.Emulator}
	if t.QEMU != nil {
		e, err := t.QEMU.find(d)
		if err != nil {
			return err
		}
		c.e, c.path = e, e.Path
	}
	dev := &d.Devices
	each(c, "disk", dev.Disks, checkDisk, checkQEMUDisk)
	each(c, "interface", dev.Interfaces, checkInterface, checkQEMUInterface)
	each(c, "sound", dev.Sounds, checkSound, checkQEMUSound)
	each(c, "hostdev", dev.Hostdevs, checkHostdev, checkQEMUHostdev)
	each(c, "video", dev.Videos, checkVideo, checkQEMUVideo)
	each(c, "controller", dev.Controllers, checkController, checkQEMUController)
	each(c, "smartcard", dev.Smartcards, checkSmartcard, checkQEMUSmartcard)
	each(c, "serial", dev.Serials, checkSerialPort, checkQEMUSerial)
	each(c, "parallel", dev.Parallels, checkPort, checkQEMUParallel)
	each(c, "channel", dev.Channels, checkChannel, checkQEMUChannel)
	each(c, "console", dev.Consoles, checkPort, checkQEMUConsole)
	each(c, "input", dev.Inputs, checkInput, checkQEMUInput)
	each(c, "filesystem", dev.Filesystems, checkFilesystem, checkQEMUFilesystem)
	each(c, "watchdog", dev.Watchdogs, nil, checkQEMUWatchdog)
	one(c, "memballoon", dev.Memballoon, nil, checkQEMUBalloon)
	each(c, "rng", dev.RNGs, checkRNG, checkQEMURNG)
	one(c, "nvram", dev.NVRAM, nil, checkQEMUNVRAM)
	each(c, "shmem", dev.Shmems, checkShmem, checkQEMUShmem)
	each(c, "memory", dev.Memories, checkMemory, checkQEMUMemory)
	each(c, "tpm", dev.TPMs, checkTPM, checkQEMUTPM)
	each(c, "redirdev", dev.Redirdevs, checkRedirdev, checkQEMURedirdev)
	each(c, "hub", dev.Hubs, nil, nil)
	each(c, "panic", dev.Panics, nil, nil)
	one(c, "iommu", dev.IOMMU, checkIOMMU, checkQEMUIOMMU)
	one(c, "vsock", dev.Vsock, checkVsock, nil)
	each(c, "crypto", dev.Cryptos, nil, checkQEMUCrypto)
	one(c, "pstore", dev.PStore, checkPStore, checkQEMUPStore)
	each(c, "graphics", dev.Graphics, checkGraphics, checkQEMUGraphics)
	if c.err == nil && c.e != nil {
		c.err = checkQEMUAudios(d)
	}
	return c.err
}

// each checks the devices of a kind of which there can be several.
func each[T any](c *deviceCheck, kind string, list []T, all, qemu func(*deviceCheck, *T) error) {
	for i := range list {
		one(c, kind, &list[i], all, qemu)
	}
}

// one checks one device, unless there was an error before.
func one[T any](c *deviceCheck, kind string, v *T, all, qemu func(*deviceCheck, *T) error) {
	if v == nil || c.err != nil {
		return
	}
	if c.err = c.common(kind, v); c.err == nil && all != nil {
		c.err = all(c, v)
	}
	if c.err == nil && c.e != nil {
		if c.err = c.commonQEMU(v); c.err == nil && qemu != nil {
			c.err = qemu(c, v)
		}
	}
}

// common checks what devices of all kinds have.
func (c *deviceCheck) common(kind string, v any) error {
	addr, _ := whereOf(v)
	if addr != nil && addr.Type == "unassigned" && kind != "hostdev" {
		return unsupported("address of type 'unassigned' is supported only for hostdevs")
	}
	return nil
}

// commonQEMU refuses the addresses of s390 elsewhere, and numbers for the
// firmware of what it does not list.
func (c *deviceCheck) commonQEMU(v any) error {
	addr, acpi := whereOf(v)
	if addr != nil && addr.Type == "ccw" && !isS390(c.d) {
		return unsupported("CCW addresses are not supported by machine type '%s'", c.d.OS.Type.Machine)
	}
	if addr != nil && addr.ZPCI != nil && (addr.ZPCI.UID != nil || addr.ZPCI.FID != nil) && !isS390(c.d) {
		return unsupported("This QEMU binary doesn't support zPCI")
	}
	if addr != nil && addr.Type == "spapr-vio" && addr.Reg != nil && *addr.Reg > math.MaxUint32 {
		return unsupported("spapr-vio reg='0x%x' exceeds maximum possible value (0xffffffff)", *addr.Reg)
	}
	if addr != nil && addr.ZPCI != nil && addr.ZPCI.UID != nil {
		if n := *addr.ZPCI.UID; n == 0 || n > 0xffff {
			return xml.Errorf(xml.CodeXML, "Invalid PCI address uid='0x%04x', must be > 0x0000 and <= 0xffff", n)
		}
	}
	if addr != nil && addr.Type == "drive" {
		if _, disk := v.(*xml.Disk); !disk { // whose other buses have limits of their own
			if err := scsiPlace(c.d, addr); err != nil {
				return err
			}
		}
	}
	if acpi != nil && acpi.Index > 0 && addr != nil && addr.Type != "pci" {
		return unsupported("ACPI index is only supported for PCI devices")
	}
	return nil
}

// whereOf gives a device's address and its number for the firmware.
func whereOf(v any) (addr *xml.Address, acpi *xml.ACPIIndex) {
	k, device := kindOfDevice(v)
	if a := fieldAt[xml.Address](device, k.addr); a != nil {
		addr = *a
	}
	if a := fieldAt[xml.ACPIIndex](device, k.acpi); a != nil {
		acpi = *a
	}
	return addr, acpi
}
