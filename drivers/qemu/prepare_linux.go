package qemu

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"virgo/cpu"
	"virgo/drivers"
	"virgo/drivers/domain"
	"virgo/drivers/host"
	"virgo/drivers/kept"
	"virgo/drivers/native"
	"virgo/drivers/native/shell"
	"virgo/xml"
)

// parse reads a document as define does.
func (c *Conn) parse(ctx context.Context, src xml.Source, f drivers.Flags) (*xml.Domain, error) {
	dom, _, err := c.parseWith(ctx, src, f)
	return dom, err
}

// parseWith also gives what it knew of the host.
func (c *Conn) parseWith(ctx context.Context, src xml.Source, f drivers.Flags) (*xml.Domain, *domain.Traits, error) {
	if err := drivers.CheckSchema(f, src, &xml.Domain{}, "domain"); err != nil {
		return nil, nil, err
	}
	root, err := xml.Parse(src)
	if err != nil {
		return nil, nil, err
	}
	var traits *domain.Traits
	dom, err := domain.Read(src, root, func() *domain.Traits { traits = c.traits(ctx, root); return traits })
	return dom, traits, err
}

// readDomain reads a document that has been through parse. Of a live one it
// keeps the terminals' paths, which define would drop.
func readDomain(src xml.Source) (*xml.Domain, error) {
	dom := &xml.Domain{}
	if err := xml.Unmarshal(src, dom); err != nil {
		return nil, err
	}
	if dom.ID != nil {
		for i := range dom.Devices.Consoles {
			if c := &dom.Devices.Consoles[i]; c.Type == "pty" && c.Path == "" {
				c.Path = c.TTY
			}
		}
	}
	return dom, nil
}

// storedForm is a definition with all its secrets.
func storedForm(dom *xml.Domain) ([]byte, error) { return xml.Marshal(dom) }

// printTraits are enough to print: no emulator is asked.
var printTraits = domain.Traits{QEMU: &domain.QEMU{}}

func printDomain(dom *xml.Domain, live bool, f drivers.Flags) ([]byte, error) {
	if !live && dom.ID != nil { // a transient domain's inactive form
		inactive(dom)
	}
	return domain.Print(dom, &printTraits, f)
}

// startable gives the emulator of a domain that this host can run.
func (c *Conn) startable(ctx context.Context, dom *xml.Domain) (*Emulator, error) {
	e, err := c.emulator(ctx, dom.Devices.Emulator, dom.Type)
	if err == nil && dom.Type == "kvm" && !canKVM(dom.OS.Type.Arch) {
		err = xml.Errorf(xml.CodeConfigUnsupported, "KVM is not available on this host: /dev/kvm cannot be used")
	}
	return e, err
}

// prepare decides all that can be decided before the guest's process is there,
// and makes its files.
func (c *Conn) prepare(ctx context.Context, dom *xml.Domain, s Status, undo *drivers.Undo, lock *drivers.Lock, in *incoming) (*startConfig, error) {
	e, err := c.startable(ctx, dom)
	if err != nil {
		return nil, err
	}
	for i := range dom.Devices.Disks {
		tellCache(&dom.Devices.Disks[i])
	}
	if err := present(dom); err != nil {
		return nil, err
	}
	config, err := storedForm(dom)
	if err != nil {
		return nil, err
	}
	if err := drivers.ReplaceFile(filepath.Join(c.layout.guest(dom.Name), configFile), config, 0o600); err != nil {
		return nil, err
	}
	c.tellMissing(dom, s.ref())
	probed, err := c.images(dom, false)
	if err != nil {
		return nil, err
	}
	s.Version = e.VersionNumber()
	in.giveCPU(dom)
	domain.AssignAliases(dom)
	plainChardevs(dom)
	displaySockets(dom, args{Build: Build{Layout: c.layout, ID: s.ID}, d: dom})
	vsockAddress(dom.Devices.Vsock, s.ID)
	dir := c.layout.guest(dom.Name)
	undo.Add(func() { disconnect(dir, c.store.Has(dom.Name)) })
	if err := c.connect(ctx, dom, dir); err != nil {
		return nil, err
	}
	if err := prepareEnds(dom); err != nil {
		return nil, err
	}
	if err := hostDevices(dom, dir); err != nil {
		return nil, err
	}
	build, err := c.build(ctx, dom, e)
	if err != nil {
		return nil, err
	}
	build.ID, build.Live, build.VHost, build.Probed, build.Incoming = s.ID, true, hasVHost(), probed, in != nil
	argv, env, err := Args(dom, build)
	if err != nil {
		return nil, err
	}
	owner, err := c.layout.userOf(dom)
	if err != nil {
		return nil, err
	}
	if err := c.files(dom, build, undo); err != nil {
		return nil, err
	}
	if err := c.handOver(dom, s, owner, build); err != nil {
		return nil, err
	}
	if err := c.tpmFiles(ctx, dom, build, owner, dir); err != nil {
		return nil, err
	}
	beside, err := companions(dom, build)
	if err != nil {
		return nil, err
	}
	for _, f := range overlayFiles(dom) {
		if err := makeOverlay(ctx, c.layout.guest(dom.Name), f, owner, lock); err != nil {
			return nil, err
		}
	}
	id := s.ID
	dom.ID = &id
	liveDisks(dom, build, &s)
	orderVCPUs(dom.VCPUs)
	live, err := xml.Marshal(dom)
	if err != nil {
		return nil, err
	}
	return &startConfig{Status: s, Locked: lockedMemory(dom), Argv: argv, Env: env, Live: live, Taps: taps(dom, build.VHost), Companions: beside, User: owner}, nil
}

// present refuses files of a kernel, and devices of the host, that are not there, before
// QEMU does.
func present(dom *xml.Domain) error {
	for _, path := range []string{dom.OS.Kernel, dom.OS.Initrd, dom.OS.DTB} {
		if path == "" {
			continue
		}
		if _, err := os.Stat(path); err != nil {
			return xml.Errorf(xml.CodeSystem, "unable to stat: %s: %s", path, drivers.SystemText(unwrapPath(err)))
		}
	}
	for i := range dom.Devices.Inputs {
		if s := dom.Devices.Inputs[i].Source; s != nil {
			if path := s.EvDev + s.Dev; path != "" {
				path = xml.Plain(path)
				if _, err := os.Stat(path); err != nil {
					return xml.Errorf(xml.CodeSystem, "unable to stat: %s: %s", path, drivers.SystemText(unwrapPath(err)))
				}
			}
		}
	}
	return renderNodes(dom)
}

// plainChardevs notes which character devices have no TLS, as the peer does for what
// runs: its settings could give it to all.
func plainChardevs(dom *xml.Domain) {
	v := &dom.Devices
	for _, list := range [][]xml.Chardev{v.Serials, v.Parallels, v.Consoles, v.Channels} {
		for i := range list {
			if c := &list[i]; c.Type == "tcp" && c.TLS == "" {
				c.TLS = "no"
			}
		}
	}
}

// displaySockets notes the sockets of displays that name none.
func displaySockets(dom *xml.Domain, a args) {
	for i := range dom.Devices.Graphics {
		g := &dom.Devices.Graphics[i]
		if len(g.Listens) > 0 && g.Listens[0].Type == "socket" && g.Listens[0].Socket == "" && g.Socket == "" {
			g.Listens[0].Socket, g.Socket = a.displaySocket(g), a.displaySocket(g)
		}
	}
}

// soundServer says where PipeWire's socket is, as a variable of this process says it.
func soundServer() string {
	for _, name := range []string{"PIPEWIRE_RUNTIME_DIR", "XDG_RUNTIME_DIR"} {
		if dir := os.Getenv(name); dir != "" {
			return name + "=" + dir
		}
	}
	return ""
}

// build resolves the guest's CPU, which becomes that of dom. The key for secrets
// is one that nobody has: what they are encrypted with is not to be guessed.
func (c *Conn) build(_ context.Context, dom *xml.Domain, e *Emulator) (Build, error) {
	b := Build{Emulator: e, Layout: c.layout, ID: -1, Path: os.Getenv("PATH"), Sound: soundServer(), MasterKey: newMasterKey(), Reveal: c.reveal(), Volume: c.volume, HugePages: hugePages, RenderNode: renderNode}
	if dom.OS.SMBIOS != nil && dom.OS.SMBIOS.Mode == "host" {
		b.HostSMBIOS = hostSMBIOS()
	}
	if dom.CPU == nil || dom.CPU.Mode == "" && dom.CPU.Model == "" && !cpu.HasModels(dom.OS.Type.Arch) {
		domain.PlugCell(dom)
		return b, nil // the machine's own
	}
	resolved, err := c.resolveCPU(dom, e)
	if err != nil {
		return b, err
	}
	dom.CPU = resolved
	known := map[string]bool{}
	for _, name := range propNames(e.CPUs().Props) {
		known[name] = true
	}
	argument := resolved
	if e.Arch != "x86_64" { // the property is that of the 64-bit models
		argument = resolved.Clone()
		argument.Migratable = ""
	}
	b.CPU = cpu.Argument(argument, dom.OS.Type.Arch, func(name string) bool { return len(known) == 0 || known[name] })
	b.CPUEnd = cpu.ArgumentEnd(resolved)
	if resolved.Mode == "custom" && resolved.Model == "" {
		b.CPU = defaultCPU(e, dom) + strings.TrimPrefix(b.CPU, resolved.Model)
	}
	return b, nil
}

// hostSMBIOS are the host's tables, but for its UUID: the guest has its own. Nil: there
// are none.
func hostSMBIOS() *xml.Sysinfo {
	data, err := host.Facts{}.Sysinfo(context.Background())
	if err != nil {
		return nil
	}
	s := &xml.Sysinfo{}
	if xml.Unmarshal(xml.Source{Data: data}, s) != nil {
		return nil
	}
	s.System = slices.DeleteFunc(s.System, func(e xml.SysinfoEntry) bool { return e.Name == "uuid" })
	return s
}

// reveal gives the values of the root's secrets.
func (c *Conn) reveal() func(usageType, uuid, usage string) ([]byte, error) { return reveal(c.root) }

func reveal(root drivers.Root) func(usageType, uuid, usage string) ([]byte, error) {
	if s, ok := kept.Objects(root, drivers.Secret).(interface {
		Reveal(usageType, uuid, usage string) ([]byte, error)
	}); ok {
		return s.Reveal
	}
	return nil
}

// volume finds the file or device of a storage pool's volume.
func (c *Conn) volume(pool, name string) (string, error) { return volumePath(c.root, pool, name) }

func volumePath(root drivers.Root, pool, name string) (string, error) {
	pools, volumes := kept.Objects(root, drivers.Pool), kept.Objects(root, drivers.Volume)
	ctx := context.Background()
	ref, err := pools.Lookup(ctx, drivers.ByName, pool)
	if err != nil {
		return "", xml.Errorf(xml.CodeNoPool, "no storage pool with matching name '%s'", pool)
	}
	children, ok := volumes.(drivers.ChildFinder)
	if info, err := drivers.As[drivers.PoolInfoer](pools, "virStoragePoolGetInfo"); err != nil || !ok {
		return "", err
	} else if i, err := info.PoolInfo(ctx, ref); err != nil || i.State == drivers.PoolInactive {
		return "", xml.Errorf(xml.CodeConfigUnsupported, "storage pool '%s' containing volume '%s' is not active", pool, name)
	}
	found, err := children.Child(ctx, ref, name)
	return found.UUID, err // its key, which is its path
}

// localize notes where the volumes among the images of a domain's disks are. What
// cannot be found is told by whoever needs it.
func localize(dom *xml.Domain, volume func(pool, name string) (string, error)) {
	for i := range dom.Devices.Disks {
		d := &dom.Devices.Disks[i]
		if d.Source == nil {
			continue
		}
		for _, im := range chain(d) {
			if im.kind == "volume" {
				im.source.Local, _ = volume(im.source.Pool, im.source.Volume)
			}
		}
	}
}

// defaultCPU is the machine's own choice; "" if it is not known.
func defaultCPU(e *Emulator, dom *xml.Domain) string {
	if m := e.Machine(dom.OS.Type.Machine); m != nil && m.DefaultCPU != "" && cpu.HasModels(e.Arch) {
		name, _, _ := strings.Cut(m.DefaultCPU, "-"+archToQEMU(e.Arch)+"-cpu")
		return name
	}
	switch e.Arch {
	case "x86_64":
		return "qemu64"
	case "i686":
		return "qemu32"
	}
	return ""
}

// modeSupported tells whether a CPU mode means anything for guests of a type
// and architecture on this machine.
func modeSupported(mode, virt, arch string) bool {
	switch mode {
	case "host-passthrough":
		return virt == "kvm"
	case "host-model":
		return virt == "kvm" || cpu.IsX86(arch)
	}
	return true
}

func (c *Conn) resolveCPU(dom *xml.Domain, e *Emulator) (*xml.CPU, error) {
	guest, arch := dom.CPU, dom.OS.Type.Arch
	if !cpu.HasModels(arch) {
		return nil, cpu.NoModels(arch)
	}
	if err := cpu.KnownFeatures(guest, arch); err != nil {
		return nil, err
	}
	if !modeSupported(guest.Mode, dom.Type, arch) {
		return nil, xml.Errorf(xml.CodeConfigUnsupported, "CPU mode '%s' for %s %s domain on %s host is not supported by hypervisor",
			guest.Mode, arch, dom.Type, host.Arch())
	}
	h, err := c.hypervisor(e, arch)
	if err != nil {
		return nil, err
	}
	check := guest.Check
	if check == "" {
		check = cpu.DefaultCheck(guest, dom.Type)
	}
	if (check != "none" && dom.Type == "kvm" || h.Reported == nil) && cpu.IsX86(arch) == cpu.IsX86(host.Arch()) {
		if own, err := cpu.HostModel(); err == nil { // else the hypervisor's word alone counts
			h.Host = own
		}
	}
	return h.Resolve(guest, check)
}

// files makes the guest's own folder, its key, and its firmware's variables.
func (c *Conn) files(dom *xml.Domain, b Build, undo *drivers.Undo) error {
	c.layout.openAbove(memoryFolders(dom, b))
	for _, f := range Files(dom, b) {
		var err error
		switch f.Kind {
		case drivers.StartFolder:
			if err = drivers.MakeDir(f.Path); err == nil {
				undo.Add(func() { os.RemoveAll(f.Path) })
			}
		case drivers.StartKey:
			if e := os.WriteFile(f.Path, b.MasterKey, 0o600); e != nil {
				err = xml.Errorf(xml.CodeSystem, "cannot write the guest's key: %s", drivers.SystemText(unwrapPath(e)))
			}
		case drivers.StartCopy:
			err = makeNVRAM(dom)
		}
		if err != nil {
			return err
		}
	}
	a := args{Build: b, d: dom}
	for i := range dom.Devices.Channels {
		if ch := &dom.Devices.Channels[i]; madeChannel(ch) {
			ch.Mode, ch.Path = "bind", a.channelPath(ch)
		}
	}
	return nil
}

// makeNVRAM copies the template of the firmware's variables for a guest that
// has none yet.
func makeNVRAM(dom *xml.Domain) error {
	path := nvramFile(dom)
	if path == "" {
		return nil
	}
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	template := xml.Plain(dom.OS.NVRAM.Template)
	if dom.OS.NVRAM.Template == "" {
		return xml.Errorf(xml.CodeOperationFailed, "unable to find any master var store for loader: %s", dom.OS.Loader.Path)
	}
	if err := drivers.MakeDir(filepath.Dir(path)); err != nil {
		return err
	}
	f, err := os.Open(template)
	if err != nil {
		return xml.Errorf(xml.CodeSystem, "Failed to open file '%s': %s", template, drivers.SystemText(unwrapPath(err)))
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	if err != nil {
		return xml.Errorf(xml.CodeSystem, "cannot read '%s': %s", template, drivers.SystemText(unwrapPath(err)))
	}
	return drivers.WriteFile(path, data, 0o600)
}

// updateCPU replaces the CPU by what it comes to on this host.
func (d *domains) updateCPU(ctx context.Context, dom *xml.Domain, running bool, f drivers.Flags) error {
	if dom.CPU == nil || running && !f.Has(drivers.Inactive) && dom.CPU.Mode != "host-passthrough" {
		return nil
	}
	arch := dom.OS.Type.Arch
	model, err := d.hostModel(ctx, dom.Devices.Emulator, dom.Type, arch)
	if err != nil {
		return err
	}
	if f.Has(drivers.MigratableXML) {
		dom.CPU, err = cpu.Update(dom.CPU, model, arch)
		if err == nil && dom.CPU.Mode == "custom" && dom.CPU.Check == "" {
			dom.CPU.Check = "partial"
		}
		return err
	}
	dom.CPU, err = cpu.ForUpdateCPU(dom.CPU, model, arch, vcpus(dom))
	return err
}

// ToNative gives QEMU's command line for a domain.
func (c *Conn) ToNative(ctx context.Context, format string, src xml.Source) ([]byte, error) {
	if format != "qemu-argv" {
		return nil, xml.Errorf(xml.CodeInvalidArg, "unsupported config type %s", format)
	}
	dom, traits, err := c.parseWith(ctx, src, 0)
	if err != nil {
		return nil, err
	}
	if err := domain.MoveInterfaces(dom, traits); err != nil {
		return nil, err
	}
	e, err := c.emulator(ctx, dom.Devices.Emulator, dom.Type)
	if err != nil {
		return nil, err
	}
	domain.AssignAliases(dom)
	b, err := c.build(ctx, dom, e)
	if err != nil {
		return nil, err
	}
	argv, env, err := Args(dom, b)
	if err != nil {
		return nil, err
	}
	return []byte(shell.JoinEnv(env, argv) + "\n"), nil
}

// FromNative reads a command line of QEMU's, which the peer has given up.
func (c *Conn) FromNative(_ context.Context, format string, src xml.Source) ([]byte, []string, error) {
	if format != "qemu-argv" {
		return nil, nil, xml.Errorf(xml.CodeInvalidArg, "unsupported config type %s", format)
	}
	r, err := native.From(format, src, host.CommandLine(src.Name))
	return r.Doc, r.Notes, err
}
