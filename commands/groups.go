package commands

// group says where a group's rows come from, and the order in which virsh
// lists them. A name without a row is one that virgo does not have yet.
type group struct {
	title, keyword string
	rows           []part
	order          string
}

// part gives some rows of a group. A command is looked for in one part after
// the other, and only what was passed is made.
type part func() []Command

// domainParts are the rows of the largest group, first those that scripts use
// the most.
var domainParts = []part{
	domainRows, lifecycleRows, deviceRows, vcpuRows, tuneRows, saveRows, blockRows, agentRows, jobRows, nativeRows,
	migrateRows, guestRows, hypervisorRows,
}

// groups are virsh's groups in virsh's order.
var groups = []group{
	{"Domain Management", "domain", domainParts,
		"attach-device attach-disk attach-interface autostart blkdeviotune domthrottlegroupset domthrottlegroupdel " +
			"domthrottlegroupinfo domthrottlegrouplist blkiotune blockcommit blockcopy blockjob blockpull blockresize " +
			"change-media console cpu-stats create define desc destroy detach-device detach-device-alias detach-disk " +
			"detach-interface domdisplay domfsfreeze domfsthaw domfsinfo domfstrim domhostname domid domif-setlink " +
			"domiftune domjobabort domjobinfo domlaunchsecinfo domsetlaunchsecstate domname domrename dompmsuspend " +
			"dompmwakeup domuuid domxml-from-native domxml-to-native dump dumpxml edit get-user-sshkeys inject-nmi " +
			"iothreadinfo iothreadpin iothreadadd iothreadset iothreaddel send-key send-process-signal lxc-enter-namespace " +
			"managedsave managedsave-remove managedsave-edit managedsave-dumpxml managedsave-define memtune perf metadata " +
			"migrate migrate-setmaxdowntime migrate-getmaxdowntime migrate-compcache migrate-setspeed migrate-getspeed " +
			"migrate-postcopy numatune qemu-attach qemu-monitor-command qemu-monitor-event qemu-agent-command guest-agent-timeout " +
			"reboot reset restore resume save save-image-define save-image-dumpxml save-image-edit schedinfo " +
			"screenshot set-lifecycle-action set-user-sshkeys set-user-password setmaxmem setmem setvcpus shutdown start " +
			"suspend ttyconsole undefine update-device update-memory-device vcpucount vcpuinfo vcpupin emulatorpin " +
			"vncdisplay guestvcpus setvcpu domblkthreshold guestinfo domdirtyrate-calc dom-fd-associate domdisplay-reload"},
	{"Domain Monitoring", "monitor", []part{monitorRows},
		"domblkerror domblkinfo domblklist domblkstat domcontrol domif-getlink domifaddr domiflist domifstat dominfo " +
			"dommemstat domstate domstats domtime list"},
	{"Domain Events", "events", []part{eventRows},
		"event"},
	{"Host and Hypervisor", "host", []part{hostRows},
		"allocpages capabilities cpu-baseline cpu-compare cpu-models domcapabilities freecell freepages hostname " +
			"hypervisor-cpu-baseline hypervisor-cpu-compare hypervisor-cpu-models maxvcpus node-memory-tune nodecpumap " +
			"nodecpustats nodeinfo nodememstats nodesevinfo nodesuspend sysinfo uri version"},
	{"Checkpoint", "checkpoint", []part{checkpointRows},
		"checkpoint-create checkpoint-create-as checkpoint-delete checkpoint-dumpxml checkpoint-edit checkpoint-info " +
			"checkpoint-list checkpoint-parent"},
	{"Interface", "interface", []part{ifaceRows},
		"iface-begin iface-bridge iface-commit iface-define iface-destroy iface-dumpxml iface-edit iface-list iface-mac " +
			"iface-name iface-rollback iface-start iface-unbridge iface-undefine"},
	{"Network Filter", "filter", []part{filterRows},
		"nwfilter-define nwfilter-dumpxml nwfilter-edit nwfilter-list nwfilter-undefine nwfilter-binding-create " +
			"nwfilter-binding-delete nwfilter-binding-dumpxml nwfilter-binding-list"},
	{"Networking", "network", []part{networkRows},
		"net-autostart net-create net-define net-desc net-destroy net-dhcp-leases net-dumpxml net-edit net-event net-info " +
			"net-list net-metadata net-name net-start net-undefine net-update net-uuid net-port-list net-port-create " +
			"net-port-dumpxml net-port-delete"},
	{"Node Device", "nodedev", []part{nodedevRows},
		"nodedev-create nodedev-destroy nodedev-detach nodedev-dettach nodedev-dumpxml nodedev-list nodedev-reattach " +
			"nodedev-reset nodedev-event nodedev-define nodedev-undefine nodedev-start nodedev-autostart nodedev-info " +
			"nodedev-update"},
	{"Secret", "secret", []part{secretRows},
		"secret-define secret-dumpxml secret-event secret-get-value secret-list secret-set-value secret-undefine"},
	{"Snapshot", "snapshot", []part{snapshotRows},
		"snapshot-create snapshot-create-as snapshot-current snapshot-delete snapshot-dumpxml snapshot-edit snapshot-info " +
			"snapshot-list snapshot-parent snapshot-revert"},
	{"Backup", "backup", []part{backupRows},
		"backup-begin backup-dumpxml"},
	{"Storage Pool", "pool", []part{poolRows},
		"find-storage-pool-sources-as find-storage-pool-sources pool-autostart pool-build pool-create-as pool-create " +
			"pool-define-as pool-define pool-delete pool-destroy pool-dumpxml pool-edit pool-info pool-list pool-name pool-refresh " +
			"pool-start pool-undefine pool-uuid pool-event pool-capabilities"},
	{"Storage Volume", "volume", []part{volumeRows},
		"vol-clone vol-create-as vol-create vol-create-from vol-delete vol-download vol-dumpxml vol-info vol-key vol-list " +
			"vol-name vol-path vol-pool vol-resize vol-upload vol-wipe"},
	{"Virsh itself", "virsh", []part{virshRows},
		"cd echo exit help pwd quit self-test complete connect"},
}
