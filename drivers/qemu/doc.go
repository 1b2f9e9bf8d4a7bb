// Package qemu drives QEMU with TCG or KVM: definitions and guests below a root
// folder, one watcher process a guest, no daemon. The parts that turn values
// into values (args*.go, caps*.go) are pure; files, sockets and processes are in
// the *_linux.go files.
package qemu
