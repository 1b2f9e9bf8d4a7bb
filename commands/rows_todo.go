package commands

func ifaceRows() []Command   { return nil }
func filterRows() []Command  { return nil }
func nodedevRows() []Command { return nil }
func secretRows() []Command  { return nil }
func backupRows() []Command  { return nil }
