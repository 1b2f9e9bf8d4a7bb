// Package remote holds virgo's remote driver against virsh: both are clients of
// one libvirtd, which the tests start apart from the machine's own.
package remote
