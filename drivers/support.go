package drivers

// Ability is a row of the support matrix: what a connection or its objects of a
// kind may be able to do, found by assertion.
type Ability struct {
	Of   string // "host", or the kind of objects
	Kind Kind
	What string
	Has  func(any) bool
}

func has[T any](v any) bool {
	_, ok := v.(T)
	return ok
}

// HostAbilities are those of Conn.
func HostAbilities() []Ability {
	row := func(what string, f func(any) bool) Ability { return Ability{Of: "host", What: what, Has: f} }
	return []Ability{
		row("capabilities", has[Capabler]), row("domain capabilities", has[DomainCapabler]), row("name and version", has[Versioner]),
		row("host name, CPUs and memory", has[Hoster]), row("host CPU for comparisons", has[HostCPUer]), row("CPU models", has[CPUModeler]),
		row("hypervisor CPUs", has[HypervisorCPUer]), row("native formats", has[Converter]), row("maximum of vCPUs", has[MaxVCPUer]),
		row("SMBIOS data", has[Sysinfoer]), row("free memory", has[FreeMemorier]), row("free pages", has[FreePager]),
		row("pool capabilities", has[PoolCapabler]), row("allocate pages", has[PageAllocator]), row("shared memory", has[NodeMemoryTuner]),
		row("memory statistics", has[NodeMemoryStatser]), row("memory encryption", has[SEVInfoer]), row("suspend", has[Suspender]),
		row("CPU arithmetic of its own", has[CPUComputer]), row("daemon's version", has[DaemonVersioner]), row("CPU map", has[CPUMapper]), row("CPU load", has[CPULoader]), row("keepalive", has[Keepaliver]),
	}
}

// ObjectAbilities are those of Objects, of any kind.
func ObjectAbilities() []Ability {
	row := func(what string, f func(any) bool) Ability { return Ability{Of: "objects", What: what, Has: f} }
	return []Ability{
		row("define, undefine", has[Definer]), row("create", has[Creator]), row("start", has[Starter]), row("destroy", has[Destroyer]),
		row("autostart", has[Autostarter]), row("autostart once", has[OnceAutostarter]), row("title, description, metadata", has[Metadataer]), row("events", has[Eventer]),
		row("history, undo", has[Historian]), row("show what define would keep", has[Previewer]), row("lint", has[Linter]),
	}
}

// KindAbilities are those of Objects of one other kind than domains.
func KindAbilities() []Ability {
	row := func(k Kind, what string, f func(any) bool) Ability {
		return Ability{Of: "kind", Kind: k, What: what, Has: f}
	}
	return []Ability{
		row(Network, "change parts", has[NetworkUpdater]), row(Network, "DHCP leases", has[Leaser]),
		row(NetworkPort, "create in a network", has[ChildCreator]), row(NetworkPort, "find in a network", has[ChildFinder]),
		row(Pool, "state and sizes", has[PoolInfoer]), row(Pool, "build, delete", has[PoolBuilder]), row(Pool, "refresh", has[PoolRefresher]),
		row(Pool, "find sources", has[PoolSourcer]),
		row(Volume, "find in a pool", has[ChildFinder]), row(Volume, "create, clone, delete", has[VolumeCreator]), row(Volume, "type and sizes", has[VolumeInfoer]),
		row(Volume, "physical size", has[VolumePhysicaler]), row(Volume, "resize", has[VolumeResizer]), row(Volume, "upload, download", has[VolumeStreamer]),
		row(Volume, "wipe", has[VolumeWiper]),
		row(Secret, "values", has[SecretKeeper]),
		row(NodeDevice, "update", has[DeviceUpdater]), row(NodeDevice, "detach, reattach", has[DeviceDetacher]), row(NodeDevice, "reset", has[DeviceResetter]),
		row(Interface, "begin, commit, rollback", has[InterfaceChanger]),
		row(Snapshot, "create, delete", has[Momenter]), row(Snapshot, "revert", has[Reverter]), row(Checkpoint, "create, delete", has[Momenter]),
	}
}

// DomainAbilities are those of domains alone.
func DomainAbilities() []Ability {
	row := func(what string, f func(any) bool) Ability { return Ability{Of: "domain", What: what, Has: f} }
	return []Ability{
		row("main values", has[DomainInfoer]), row("show what a start does", has[StartPlanner]), row("shutdown, reboot", has[Shutter]), row("reset", has[Resetter]),
		row("suspend, resume", has[Pauser]), row("rename", has[Renamer]), row("console", has[Consoler]), row("monitor commands", has[Monitor]), row("monitor commands with open files", has[FileMonitor]),
		row("save, restore", has[Saver]), row("managed save", has[ManagedSaver]), row("dump", has[Dumper]), row("screenshot", has[Screenshotter]),
		row("lifecycle actions", has[LifecycleActor]), row("NMI", has[NMIer]), row("keys", has[KeySender]), row("signals", has[Signaller]),
		row("passwords", has[Passworder]), row("tuning parameters", has[Tuner]), row("scheduler", has[Scheduler]), row("vCPUs", has[VCPUer]),
		row("memory", has[Memorier]), row("IO threads", has[IOThreader]), row("attach devices", has[Attacher]), row("detach devices", has[Detacher]),
		row("detach by alias", has[AliasDetacher]), row("update devices", has[Updater]), row("control interface", has[Controller]),
		row("freeze, thaw file systems", has[Freezer]), row("trim file systems", has[Trimmer]), row("list file systems", has[FSInfoer]),
		row("guest's time", has[GuestClock]), row("guest's host name", has[GuestHostnamer]), row("guest's addresses", has[IfaceAddresser]),
		row("disk statistics", has[DiskStatser]), row("disk errors", has[DiskErrorer]), row("interface statistics", has[IfaceStatser]),
		row("memory statistics", has[MemoryStatser]), row("CPU statistics", has[CPUStatser]), row("domstats", has[Statser]), row("domstats of all at once", has[AllStatser]), row("start with open files", has[FileStarter]),
		row("save with parameters", has[ParamSaver]), row("backup", has[Backuper]),
		row("block jobs", has[BlockJobber]), row("resize disks", has[BlockResizer]), row("thresholds of images", has[BlockThresholder]),
		row("throttle groups", has[Throttler]), row("jobs", has[Jobber]), row("statistics of jobs", has[JobStatser]), row("migration", has[Migrator]),
		row("limits of migrations", has[MigrationTuner]), row("dirty rate", has[DirtyRater]), row("agent commands", has[AgentCommander]),
		row("agent's timeout", has[AgentTimeouter]), row("guest's own account of itself", has[GuestInfoer]), row("vCPUs in the guest", has[GuestVCPUer]),
		row("single vCPUs", has[VCPUSwitcher]), row("authorized keys", has[SSHKeyer]), row("sleep", has[PMSuspender]), row("wake up", has[PMWakeuper]),
		row("launch security", has[LaunchSecurer]), row("launch secrets", has[LaunchSecretSetter]), row("enter a container", has[Enterer]),
		row("take over a process", has[ProcessAttacher]), row("monitor events", has[MonitorEventer]), row("open files", has[FDAssociator]),
		row("reload displays", has[GraphicsReloader]), row("announce interfaces", has[Announcer]), row("edit managed saves", has[ManagedSaveEditor]),
	}
}
