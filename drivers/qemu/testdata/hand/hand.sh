#!/bin/sh
# Runs the domain it's by hand without virgo, which knows nothing of it then: no virgo command
# finds it. It ends when the guest powers off; the folders that are made here are left behind then.
set -eu
umask 077
# Virgo runs QEMU as 64055:108; this runs it as you.
test -w /dev/kvm || { echo 'this user cannot use /dev/kvm' >&2; exit 1; }
mkdir -p '/root/lib/qemu/domain--1-it'\''s by hand'
head -c 32 /dev/urandom >'/root/lib/qemu/domain--1-it'\''s by hand/master-key.aes'
mkdir -p '/root/run/qemu/channel/-1-it'\''s by hand'
mkdir -p /vars
test -e /vars/it.fd || cp /fw/vars.fd /vars/it.fd
ip link show dev vg6c1ab7.0 >/dev/null 2>&1 || ip tuntap add dev vg6c1ab7.0 mode tap vnet_hdr # needs root
ip link set dev vg6c1ab7.0 master br0 up
ip link show dev tapx >/dev/null 2>&1 || ip tuntap add dev tapx mode tap vnet_hdr # needs root
ip link set dev tapx master br1 up
exec env -i \
  LC_ALL=C \
  PATH=/bin \
  HOME='/root/lib/qemu/domain--1-it'\''s by hand' \
  XDG_DATA_HOME='/root/lib/qemu/domain--1-it'\''s by hand/.local/share' \
  XDG_CACHE_HOME='/root/lib/qemu/domain--1-it'\''s by hand/.cache' \
  XDG_CONFIG_HOME='/root/lib/qemu/domain--1-it'\''s by hand/.config' \
  /usr/bin/qemu-system-x86_64 \
  -name 'guest=it'\''s by hand,debug-threads=on' \
  -object '{"qom-type":"secret","id":"masterKey0","format":"raw","file":"/root/lib/qemu/domain--1-it'\''s by hand/master-key.aes"}' \
  -blockdev '{"driver":"file","filename":"/fw/code.fd","node-name":"libvirt-pflash0-storage","auto-read-only":true,"discard":"unmap"}' \
  -blockdev '{"node-name":"libvirt-pflash0-format","read-only":true,"driver":"raw","file":"libvirt-pflash0-storage"}' \
  -blockdev '{"driver":"file","filename":"/vars/it.fd","node-name":"libvirt-pflash1-storage","read-only":false}' \
  -machine pc-q35-10.0,usb=off,dump-guest-core=off,memory-backend=pc.ram,pflash0=libvirt-pflash0-format,pflash1=libvirt-pflash1-storage,acpi=on \
  -accel kvm \
  -cpu qemu64 \
  -m size=262144k \
  -object '{"qom-type":"memory-backend-ram","id":"pc.ram","size":268435456}' \
  -overcommit mem-lock=off \
  -smp 1,sockets=1,cores=1,threads=1 \
  -uuid 6c1ab7e5-0f3d-4c8e-9a54-1f2f6f3f7a77 \
  -display none \
  -no-user-config \
  -nodefaults \
  -chardev 'socket,id=charmonitor,path=/root/lib/qemu/domain--1-it'\''s by hand/monitor.sock,server=on,wait=off' \
  -mon chardev=charmonitor,id=monitor,mode=control \
  -rtc base=utc \
  -action reboot=shutdown \
  -boot strict=on \
  -device '{"driver":"pcie-root-port","port":8,"chassis":1,"id":"pci.1","bus":"pcie.0","multifunction":true,"addr":"0x1"}' \
  -device '{"driver":"pcie-root-port","port":9,"chassis":2,"id":"pci.2","bus":"pcie.0","addr":"0x1.0x1"}' \
  -device '{"driver":"pcie-root-port","port":10,"chassis":3,"id":"pci.3","bus":"pcie.0","addr":"0x1.0x2"}' \
  -device '{"driver":"pcie-root-port","port":11,"chassis":4,"id":"pci.4","bus":"pcie.0","addr":"0x1.0x3"}' \
  -device '{"driver":"pcie-root-port","port":12,"chassis":5,"id":"pci.5","bus":"pcie.0","addr":"0x1.0x4"}' \
  -device '{"driver":"pcie-root-port","port":13,"chassis":6,"id":"pci.6","bus":"pcie.0","addr":"0x1.0x5"}' \
  -device '{"driver":"qemu-xhci","id":"usb","bus":"pci.3","addr":"0x0"}' \
  -device '{"driver":"virtio-serial-pci","id":"virtio-serial0","bus":"pci.4","addr":"0x0"}' \
  -netdev '{"type":"tap","ifname":"vg6c1ab7.0","script":"no","downscript":"no","id":"hostnet0"}' \
  -device '{"driver":"virtio-net-pci","netdev":"hostnet0","id":"net0","mac":"52:54:00:00:00:01","bus":"pci.1","addr":"0x0"}' \
  -netdev '{"type":"tap","ifname":"tapx","script":"no","downscript":"no","id":"hostnet1"}' \
  -device '{"driver":"virtio-net-pci","netdev":"hostnet1","id":"net1","mac":"52:54:00:00:00:02","bus":"pci.2","addr":"0x0"}' \
  -chardev 'socket,id=charchannel0,path=/root/run/qemu/channel/-1-it'\''s by hand/org.qemu.guest_agent.0,server=on,wait=off' \
  -device '{"driver":"virtserialport","bus":"virtio-serial0.0","nr":1,"chardev":"charchannel0","id":"channel0","name":"org.qemu.guest_agent.0"}' \
  -audiodev '{"id":"audio1","driver":"none"}' \
  -global ICH9-LPC.noreboot=off \
  -watchdog-action reset \
  -device '{"driver":"virtio-balloon-pci","id":"balloon0","bus":"pci.5","addr":"0x0"}' \
  -sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny \
  -msg timestamp=on
