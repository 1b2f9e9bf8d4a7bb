// Virgo is virsh without a daemon: the hypervisor drivers run in the command.
package main

import (
	"context"
	"os"
	"runtime/debug"

	"virgo/drivers/open"
	"virgo/shell"
)

func main() {
	if status, handled := open.Watch(os.Args); handled {
		os.Exit(status)
	}
	// A command ends before its garbage matters; a session of thousands collects it in larger heaps.
	debug.SetGCPercent(400)
	os.Exit(shell.Main(context.Background(), shell.Process{
		Args: os.Args, In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Getenv: os.Getenv, Open: open.Open, Fleet: open.Fleet,
	}))
}
