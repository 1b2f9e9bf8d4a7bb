// Gen writes the tables of package cpu into the folder it is called in.
package main

import (
	"fmt"
	"os"

	"virgo/cpu/facts"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run() error {
	f, err := facts.Read()
	if err != nil {
		return err
	}
	files, err := f.Generate()
	if err != nil {
		return err
	}
	for name, data := range files {
		if err := os.WriteFile(name, data, 0o644); err != nil {
			return err
		}
	}
	return nil
}
