package test

import (
	"virgo/drivers"
	"virgo/xml"
)

// builtIn are the documents of test:///default. A document is read when a
// command first touches its object: many only want to know that it is there.
var builtIn = [...]struct {
	kind drivers.Kind
	doc  string
	read func(*node, *xml.Node, string) error
}{
	{drivers.Network, `<network>
  <name>default</name>
  <uuid>dd8fe884-6c02-601e-7551-cca97df1c5df</uuid>
  <bridge name='virbr0'/>
  <forward/>
  <ip address='192.168.122.1' netmask='255.255.255.0'>
    <dhcp><range start='192.168.122.2' end='192.168.122.254'/></dhcp>
  </ip>
</network>`, (*node).readNetwork},
	{drivers.Interface, `<interface type='ethernet' name='eth1'>
  <start mode='onboot'/>
  <mac address='aa:bb:cc:dd:ee:ff'/>
  <mtu size='1492'/>
  <protocol family='ipv4'>
    <ip address='192.168.0.5' prefix='24'/>
    <route gateway='192.168.0.1'/>
  </protocol>
</interface>`, (*node).readInterface},
	{drivers.Pool, `<pool type='dir'>
  <name>default-pool</name>
  <uuid>dfe224cb-28fb-8dd0-c4b2-64eb3f0f4566</uuid>
  <target><path>/default-pool</path></target>
</pool>`, (*node).readPool},
}

// The domain of test:///default.
const (
	defaultName = "test"
	defaultUUID = "6695eb01-f6a4-8304-79aa-97f2502e193f"
	defaultDoc  = `<domain type='test'>
  <name>` + defaultName + `</name>
  <uuid>` + defaultUUID + `</uuid>
  <memory>8388608</memory>
  <currentMemory>2097152</currentMemory>
  <vcpu>2</vcpu>
  <os><type>hvm</type></os>
  <devices>
    <disk type='file'>
      <source file='/guest/diskimage1'/>
      <target dev='vda' bus='virtio'/>
      <address type='pci' domain='0x0000' bus='0x01' slot='0x00' function='0x0'/>
    </disk>
    <interface type='network'>
      <mac address='aa:bb:cc:dd:ee:ff'/>
      <source network='default'/>
      <target dev='testnet0'/>
      <address type='pci' domain='0x0000' bus='0x00' slot='0x1' function='0x0'/>
    </interface>
    <memballoon model='virtio'>
      <address type='pci' domain='0x0000' bus='0x00' slot='0x2' function='0x0'/>
    </memballoon>
  </devices>
</domain>`
)

func openDefault() *node {
	n := newNode()
	n.cells = []cell{{2097152, 4, []int{0, 1, 2, 3, 4, 5, 6, 7}}, {4194304, 8, []int{8, 9, 10, 11, 12, 13, 14, 15}}}
	for _, b := range builtIn {
		n.unread |= 1 << b.kind
	}
	n.unread |= 1 << drivers.NodeDevice
	g := &guest{name: defaultName, uuid: defaultUUID, id: n.nextID, unread: true}
	n.nextID++
	g.enter(drivers.Running, 0)
	n.guests = append(n.guests, g)
	return n
}

// need reads the built-in objects of a kind, unless that was done. The node is
// locked.
func (n *node) need(k drivers.Kind) {
	if n.unread&(1<<k) == 0 {
		return
	}
	n.unread &^= 1 << k
	if k == drivers.NodeDevice {
		n.devs = defaultDevices()
		return
	}
	for _, b := range builtIn {
		if b.kind != k {
			continue
		}
		doc, err := xml.Parse(xml.Source{Name: "default", Data: []byte(b.doc)})
		if err == nil {
			err = b.read(n, doc, "")
		}
		if err != nil {
			panic(err) // TestDefault reads them all
		}
	}
}

// read reads the built-in domain's definition, unless that was done. The node
// is locked.
func (g *guest) read() *guest {
	if !g.unread {
		return g
	}
	g.unread = false
	def, err := parse(xml.Source{Name: "default", Data: []byte(defaultDoc)})
	if err != nil {
		panic(err) // TestDefault reads it
	}
	g.run(def)
	return g
}
