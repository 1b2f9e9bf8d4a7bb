package tests

// exampleDocuments are the files that examples name.
var exampleDocuments = map[string]string{
	"dom.xml":    "<domain type='test'><name>web</name><memory>8192</memory><os><type>hvm</type></os></domain>",
	"disk.xml":   "<disk type='file' device='disk'><source file='/b'/><target dev='vdb' bus='virtio'/></disk>",
	"iface.xml":  "<interface type='ethernet' name='eth2'><start mode='none'/><mac address='00:11:22:33:44:55'/></interface>",
	"net.xml":    "<network><name>lab</name><bridge name='virbr9'/></network>",
	"pool.xml":   "<pool type='dir'><name>spare</name><target><path>/spare</path></target></pool>",
	"vol.xml":    "<volume><name>v</name><capacity>1048576</capacity><target><path>/default-pool/v</path></target></volume>",
	"dev.xml":    "<device><parent>scsi_host1</parent><capability type='scsi_host'><capability type='fc_host'/></capability></device>",
	"snap.xml":   "<domainsnapshot><name>s</name></domainsnapshot>",
	"check.xml":  "<domaincheckpoint><name>c</name></domaincheckpoint>",
	"typo.xml":   "<domain type='test'><name>web</name><memry/><memory>8192</memory><os><type>hvm</type></os></domain>",
	"host2.xml":  "<cpu><arch>x86_64</arch><model>Nehalem</model><vendor>Intel</vendor></cpu>",
	"shown.xml":  "<domain type='test'><name>shown</name><memory>8192</memory><os><type>hvm</type></os><devices><disk type='file' device='cdrom'><target dev='hdc' bus='ide'/></disk><graphics type='vnc' port='5901'/></devices></domain>",
	"test.xml":   "<domain type='test'><name>test</name><uuid>6695eb01-f6a4-8304-79aa-97f2502e193f</uuid><memory>8192</memory><os><type>hvm</type></os></domain>",
	"host.xml":   "<cpu><arch>x86_64</arch><model>Skylake-Client</model><vendor>Intel</vendor></cpu>",
	"guest.xml":  "<cpu mode='custom' match='exact'><model>Nehalem</model></cpu>",
	"secret.xml": "<secret ephemeral='no' private='no'><uuid>c5efab3b-7a24-4bd9-8d91-72e5bbb0f5a1</uuid><description>d</description></secret>",
	"value":      "b3BlbnNlc2FtZQ==",
	"filter.xml": "<filter name='quiet'><uuid>810437f5-ae19-442d-b297-98d4a1f3e5b2</uuid><rule action='drop' direction='in'><all/></rule></filter>",
	"xl.cfg":     "name = \"pv\"\nuuid = \"b8ce6c53-33d9-457f-b31b-38ffa159c593\"\nmemory = 128\nvcpus = 1\nkernel = \"/k\"\n",
	"pvh.xml":    "<domain type='xen'><name>pv</name><uuid>b8ce6c53-33d9-457f-b31b-38ffa159c593</uuid><memory>131072</memory><vcpu>1</vcpu><os><type arch='x86_64' machine='xenpv'>linux</type><kernel>/k</kernel></os></domain>",
}

const (
	none       = "none" // without -c
	root       = "qemu:///embed?root=$W/root-$FORM"
	filters    = "nwfilter:///embed?root=$W/root-$FORM"
	shelf      = "secret:///embed?root=$W/root-$FORM"
	past       = "qemu:///embed?root=$W/past-$FORM-"
	secretID   = "c5efab3b-7a24-4bd9-8d91-72e5bbb0f5a1"
	threads    = "iothreadadd test 1"
	volume     = "vol-create-as default-pool v 1M"
	interface2 = "iface-begin; iface-define $W/iface.xml"
)

// examples has one for each command that the test driver can do, or files alone.
var examples = []example{
	{line: "list --all", reads: true}, {line: "list --all --name", reads: true}, {line: "list --uuid", reads: true}, {line: "list --title", reads: true},
	{line: "dominfo test", reads: true, moving: true}, {line: "domstate test --reason", reads: true}, {line: "domid test", reads: true},
	{line: "domuuid test", reads: true}, {line: "domname 1", reads: true}, {line: "dumpxml test", reads: true}, {line: "domcontrol test", reads: true},
	{line: "domblklist test --details", reads: true}, {line: "domiflist test", reads: true}, {line: "domblkinfo test vda", reads: true},
	{line: "domblkinfo test --all", reads: true}, {line: "domblkstat test vda", reads: true, moving: true}, {line: "domifstat test testnet0", reads: true, moving: true},
	{line: "domif-getlink test testnet0", reads: true}, {line: "domifaddr test", reads: true}, {line: "dommemstat test", reads: true, moving: true},
	{line: "domstats test --state", reads: true}, {line: "domstats --iothread", setup: threads, reads: true}, {line: "cpu-stats test", reads: true, moving: true},
	{line: "cpu-stats test --total", reads: true, moving: true}, {line: "domblkerror test", reads: true}, {line: "domfsinfo test", reads: true},
	{line: "domhostname test", reads: true}, {line: "domtime test", reads: true, moving: true}, {line: "domdisplay shown", setup: "create $W/shown.xml", reads: true},
	{line: "vcpucount test", reads: true}, {line: "vcpucount test --active --live", reads: true}, {line: "vcpuinfo test", reads: true, moving: true},
	{line: "vcpupin test", reads: true}, {line: "emulatorpin test", reads: true}, {line: "iothreadinfo test", setup: threads, reads: true},
	{line: "schedinfo test", reads: true}, {line: "memtune test", reads: true}, {line: "blkiotune test", reads: true}, {line: "numatune test", reads: true},
	{line: "blkdeviotune test vda", reads: true}, {line: "domiftune test testnet0", reads: true}, {line: "perf test", reads: true},
	{line: "domthrottlegrouplist test"}, {line: "vncdisplay shown", setup: "create $W/shown.xml", reads: true},
	{line: "desc test"}, {line: "desc test --title hello"}, {line: "metadata test http://e/ --key k --set <e/>"},
	{line: "define $W/dom.xml"}, {line: "create $W/dom.xml"}, {line: "start web", setup: "define $W/dom.xml"}, {line: "undefine web", setup: "define $W/dom.xml"},
	{line: "domrename web db", setup: "define $W/dom.xml"}, {line: "autostart test"}, {line: "suspend test"}, {line: "resume test", setup: "suspend test"},
	{line: "reboot test"}, {line: "reset test"}, {line: "shutdown test"}, {line: "destroy test"}, {line: "edit test"},
	{line: "await test --condition domain-inactive", setup: "destroy test"},
	{line: "attach-disk test /b vdb"}, {line: "attach-device test $W/disk.xml"}, {line: "attach-interface test network default --print-xml"},
	{line: "detach-device-alias test ua-b", setup: "attach-disk test /b vdb --alias ua-b"},
	{line: "update-device test $W/disk.xml", setup: "attach-device test $W/disk.xml"}, {line: "change-media shown hdc /x --insert --print-xml", setup: "create $W/shown.xml"},
	{line: "setmem test 1G"}, {line: "setmaxmem test 4G --config"}, {line: "setvcpus test 1"}, {line: "vcpupin test 0 0"}, {line: "emulatorpin test 0"},
	{line: "iothreadadd test 2"}, {line: "iothreadpin test 1 0", setup: threads}, {line: "iothreadset test 1 --poll-max-ns 100", setup: threads},
	{line: "iothreaddel test 1", setup: threads}, {line: "set-lifecycle-action test reboot destroy"}, {line: "set-user-password test root x"},
	{line: "save test $W/saved-$FORM"}, {line: "restore $W/saved2-$FORM", setup: "save test $W/saved2-$FORM"},
	{line: "save-image-dumpxml $W/saved3-$FORM", setup: "save test $W/saved3-$FORM"},
	{line: "save-image-define $W/saved4-$FORM $W/test.xml", setup: "save test $W/saved4-$FORM"},
	{line: "save-image-edit $W/saved5-$FORM", setup: "save test $W/saved5-$FORM"},
	{line: "managedsave test"}, {line: "managedsave-remove test", setup: "managedsave test"}, {line: "dump test $W/core-$FORM"},
	{line: "screenshot test $W/shot-$FORM.png"}, {line: "inject-nmi test"}, {line: "send-key test KEY_A"}, {line: "send-process-signal test 1 sigterm"},
	{line: "domfsfreeze test"}, {line: "domfsthaw test"}, {line: "domfstrim test"}, {line: "event --list", reads: true}, {line: "net-event --list", reads: true},
	{line: "pool-event --list", reads: true}, {line: "nodedev-event --list", reads: true}, {line: "secret-event --list", reads: true},

	{line: "capabilities", reads: true}, {line: "domcapabilities", reads: true}, {line: "hostname", reads: true}, {line: "uri", reads: true},
	{line: "version", reads: true}, {line: "maxvcpus", reads: true}, {line: "sysinfo", reads: true}, {line: "nodeinfo", reads: true}, {line: "nodecpumap", reads: true},
	{line: "nodecpustats", reads: true, moving: true}, {line: "freecell", reads: true}, {line: "freecell --all", reads: true}, {line: "freepages --all", reads: true},
	{line: "cpu-models x86_64", reads: true, extra: []string{"all"}}, {line: "cpu-compare $W/guest.xml --host-cpu $W/host.xml"},
	{line: "cpu-compare $W/guest.xml --host-cpu $W/host.xml --explain"}, {line: "cpu-baseline $W/host.xml $W/host2.xml", reads: true},
	{line: "cpu-decode $W/host.xml"}, {line: "cpu-update $W/guest.xml --host-cpu $W/host.xml", reads: true}, {line: "hypervisor-cpu-models"},
	{line: "domxml-from-native xen-xl $W/xl.cfg", reads: true, uri: none}, {line: "domxml-to-native xen-xl --xml $W/pvh.xml", reads: true, uri: none},

	{line: "net-list", reads: true}, {line: "net-list --uuid", reads: true}, {line: "net-info default", reads: true}, {line: "net-dumpxml default", reads: true},
	{line: "net-uuid default", reads: true}, {line: "net-name dd8fe884-6c02-601e-7551-cca97df1c5df"}, {line: "net-define $W/net.xml"}, {line: "net-create $W/net.xml"},
	{line: "net-start lab", setup: "net-define $W/net.xml"}, {line: "net-undefine lab", setup: "net-define $W/net.xml"}, {line: "net-destroy default"},
	{line: "net-autostart default"}, {line: "net-desc default hello"}, {line: "net-metadata default http://e/ --key k --set <e/>"}, {line: "net-edit default"},
	{line: "net-update default add portgroup \"<portgroup name='p'/>\""},

	{line: "iface-list", reads: true}, {line: "iface-mac eth1", reads: true}, {line: "iface-name aa:bb:cc:dd:ee:ff", reads: true},
	{line: "iface-dumpxml eth1", reads: true}, {line: "iface-begin"}, {line: "iface-commit", setup: "iface-begin"}, {line: "iface-rollback", setup: "iface-begin"},
	{line: "iface-define $W/iface.xml"}, {line: "iface-start eth2", setup: interface2}, {line: "iface-destroy eth1"}, {line: "iface-undefine eth2", setup: interface2},

	{line: "pool-list --all", reads: true}, {line: "pool-list --details", reads: true}, {line: "pool-list --name --uuid", reads: true},
	{line: "pool-info default-pool", reads: true}, {line: "pool-info default-pool --bytes", reads: true}, {line: "pool-dumpxml default-pool", reads: true},
	{line: "pool-uuid default-pool", reads: true}, {line: "pool-name dfe224cb-28fb-8dd0-c4b2-64eb3f0f4566"}, {line: "pool-define $W/pool.xml"}, {line: "pool-create $W/pool.xml"},
	{line: "pool-define-as p dir --target /p"}, {line: "pool-create-as p dir --target /p"}, {line: "pool-start spare", setup: "pool-define $W/pool.xml"},
	{line: "pool-build spare", setup: "pool-define $W/pool.xml"}, {line: "pool-delete spare", setup: "pool-define $W/pool.xml"},
	{line: "pool-undefine spare", setup: "pool-define $W/pool.xml"}, {line: "pool-autostart default-pool"}, {line: "pool-refresh default-pool"},
	{line: "pool-edit default-pool"}, {line: "pool-destroy default-pool"}, {line: "find-storage-pool-sources-as logical", reads: true},
	{line: "find-storage-pool-sources logical", reads: true},
	{line: "vol-list default-pool --details", setup: volume, reads: true}, {line: "vol-list default-pool", setup: volume, reads: true},
	{line: "vol-info v default-pool", setup: volume, reads: true}, {line: "vol-info v default-pool --bytes", setup: volume, reads: true},
	{line: "vol-dumpxml v default-pool", setup: volume, reads: true}, {line: "vol-key v default-pool", setup: volume, reads: true},
	{line: "vol-path v default-pool", setup: volume, reads: true}, {line: "vol-name /default-pool/v", setup: volume, reads: true},
	{line: "vol-pool /default-pool/v", setup: volume, reads: true}, {line: "vol-create-as default-pool v 1M"}, {line: "vol-create default-pool $W/vol.xml"},
	{line: "vol-create-from default-pool $W/vol.xml w --inputpool default-pool", setup: "vol-create-as default-pool w 1M"}, {line: "vol-clone v w default-pool", setup: volume},
	{line: "vol-delete v default-pool", setup: volume},

	{line: "nodedev-list", reads: true}, {line: "nodedev-list --tree", reads: true}, {line: "nodedev-info scsi_host1", reads: true},
	{line: "nodedev-dumpxml computer", reads: true}, {line: "nodedev-create $W/dev.xml"}, {line: "nodedev-destroy computer"},

	{line: "snapshot-create-as test s"}, {line: "snapshot-create test $W/snap.xml"}, {line: "snapshot-list test", setup: "snapshot-create-as test s", reads: true},
	{line: "snapshot-info test s", setup: "snapshot-create-as test s", reads: true}, {line: "snapshot-dumpxml test s", setup: "snapshot-create-as test s", reads: true},
	{line: "snapshot-current test --name", setup: "snapshot-create-as test s", reads: true},
	{line: "snapshot-parent test u", setup: "snapshot-create-as test s; snapshot-create-as test u", reads: true},
	{line: "snapshot-revert test s", setup: "snapshot-create-as test s"}, {line: "snapshot-edit test s", setup: "snapshot-create-as test s"},
	{line: "snapshot-delete test s", setup: "snapshot-create-as test s"},
	{line: "checkpoint-create-as test c"}, {line: "checkpoint-create test $W/check.xml"}, {line: "checkpoint-list test", setup: "checkpoint-create-as test c", reads: true},
	{line: "checkpoint-info test c", setup: "checkpoint-create-as test c", reads: true}, {line: "checkpoint-dumpxml test c", setup: "checkpoint-create-as test c", reads: true},
	{line: "checkpoint-parent test d", setup: "checkpoint-create-as test c; checkpoint-create-as test d", reads: true},
	{line: "checkpoint-edit test c", setup: "checkpoint-create-as test c"}, {line: "checkpoint-delete test c", setup: "checkpoint-create-as test c"},

	{line: "secret-define $W/secret.xml", uri: shelf}, {line: "secret-list", setup: "secret-define $W/secret.xml", reads: true, uri: shelf},
	{line: "secret-dumpxml " + secretID, setup: "secret-define $W/secret.xml", reads: true, uri: shelf},
	{line: "secret-set-value " + secretID + " --file $W/value", setup: "secret-define $W/secret.xml", uri: shelf},
	{line: "secret-get-value " + secretID, setup: "secret-define $W/secret.xml; secret-set-value " + secretID + " --file $W/value", reads: true, uri: shelf},
	{line: "secret-undefine " + secretID, setup: "secret-define $W/secret.xml", uri: shelf},

	{line: "nwfilter-define $W/filter.xml", uri: filters}, {line: "nwfilter-list", setup: "nwfilter-define $W/filter.xml", reads: true, uri: filters},
	{line: "nwfilter-dumpxml quiet", setup: "nwfilter-define $W/filter.xml", reads: true, uri: filters},
	{line: "nwfilter-edit quiet", setup: "nwfilter-define $W/filter.xml", uri: filters},
	{line: "nwfilter-undefine quiet", setup: "nwfilter-define $W/filter.xml", uri: filters},
	{line: "history test", setup: "desc test --config hello"}, {line: "history test --diff 1", setup: "desc test --config hello"},
	{line: "history", setup: "destroy test; undefine test"}, {line: "undo test", setup: "desc test --config hello"},
	{line: "domdiff test", setup: "desc test --live hello"}, {line: "define $W/test.xml --diff"}, {line: "domxml-lint $W/typo.xml"},
	{line: "import test:///default"},
	{line: "net-history lab", setup: "net-define $W/net.xml; net-undefine lab", uri: past + "net1"},
	{line: "net-undo lab", setup: "net-define $W/net.xml; net-undefine lab", uri: past + "net2"},
	{line: "pool-history spare", setup: "pool-define $W/pool.xml; pool-undefine spare", uri: past + "pool1"},
	{line: "pool-undo spare", setup: "pool-define $W/pool.xml; pool-undefine spare", uri: past + "pool2"},
	{line: "nwfilter-history quiet", setup: "nwfilter-define $W/filter.xml; nwfilter-undefine quiet", uri: past + "filter1"},
	{line: "nwfilter-undo quiet", setup: "nwfilter-define $W/filter.xml; nwfilter-undefine quiet", uri: past + "filter2"},
	{line: "nodememstats", reads: true, moving: true, uri: root}, {line: "node-memory-tune", reads: true, uri: root},

	{line: "help list"}, {line: "help"}, {line: "echo a b", reads: true}, {line: "pwd"}, {line: "cd ."}, {line: "connect test:///default"}, {line: "completion bash", reads: true},
}

// lacking are the commands that neither the test driver nor files can do. What
// they print on real guests is in the scripts about QEMU.
const lacking = "domthrottlegroupset domthrottlegroupdel domthrottlegroupinfo blockcommit blockcopy blockjob blockpull blockresize detach-device " +
	"detach-disk detach-interface domif-setlink domjobabort domjobinfo domlaunchsecinfo domsetlaunchsecstate dompmsuspend dompmwakeup get-user-sshkeys " +
	"lxc-enter-namespace managedsave-edit managedsave-dumpxml managedsave-define migrate migrate-setmaxdowntime migrate-getmaxdowntime migrate-compcache " +
	"migrate-setspeed migrate-getspeed migrate-postcopy qemu-attach qemu-monitor-command qemu-monitor-event qemu-agent-command guest-agent-timeout " +
	"set-user-sshkeys ttyconsole update-memory-device guestvcpus setvcpu domblkthreshold guestinfo domdirtyrate-calc dom-fd-associate domdisplay-reload " +
	"domifannounce hypervisor-cpu-baseline hypervisor-cpu-compare nodesevinfo iface-bridge iface-unbridge iface-edit nwfilter-binding-create " +
	"nwfilter-binding-delete nwfilter-binding-dumpxml nwfilter-binding-list net-dhcp-leases net-port-list net-port-create net-port-dumpxml " +
	"net-port-delete nodedev-detach nodedev-reattach nodedev-reset nodedev-define nodedev-undefine nodedev-start nodedev-autostart nodedev-update " +
	"backup-begin backup-dumpxml pool-capabilities vol-download vol-resize vol-upload vol-wipe"

// without are the other commands that have no example, and why.
var without = map[string]string{
	"console": "it needs a terminal", "exit": "it prints nothing", "quit": "it prints nothing",
	"allocpages": "it would change this machine", "nodesuspend": "it would stop this machine",
}
