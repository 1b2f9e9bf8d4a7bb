package commands

// hostRows are the commands about the host and the hypervisor.
func hostRows() []Command {
	return append(cpuRows(), []Command{
		{Name: "uri", Summary: "print the connection's URI", Run: uri},
		{Name: "version", Summary: "print versions", Run: version,
			Description: "Prints the versions of the library and of the hypervisor.",
			Options:     opts(flag("daemon", "also that of the other side's daemon"))},
	}...)
}
