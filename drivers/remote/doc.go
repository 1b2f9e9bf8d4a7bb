// Package remote is the driver that talks to a libvirt daemon elsewhere, over
// libvirt's own RPC: by UNIX socket, TCP, TLS or SSH. The daemon's documents and
// error texts pass through untouched.
//
// The types and numbers of the protocol are go-libvirt's. Packets, streams,
// keepalive and the codec are this package's own: they are bounded in memory,
// end with their context, and know holes in streams.
//
//go:generate go run procedures_generate.go
package remote
