package qemu

import (
	"os"

	"virgo/drivers"
	"virgo/xml"
)

// prepareEnds checks and completes the host's ends of devices that are about to be
// made: what only shows when a guest starts.
func prepareEnds(dom *xml.Domain) error {
	dev := &dom.Devices
	for i := range dev.Interfaces {
		if err := scriptFits(&dev.Interfaces[i]); err != nil {
			return err
		}
	}
	for i := range dev.Inputs {
		if err := inputThere(&dev.Inputs[i]); err != nil {
			return err
		}
	}
	for _, source := range dev.CharSources() {
		plainTCP(source)
	}
	return nil
}

// scriptFits refuses a script where nothing runs it.
func scriptFits(n *xml.Interface) error {
	if n.Script != nil && n.Type != "ethernet" && n.Type != "hostdev" {
		return xml.Errorf(xml.CodeConfigUnsupported, "scripts are not supported on interfaces of type %s", n.Type)
	}
	return nil
}

// inputThere looks for the host's device that is passed through.
func inputThere(k *xml.Input) error {
	if k.Type != "passthrough" || k.Source == nil {
		return nil
	}
	if _, err := os.Stat(xml.Plain(k.Source.EvDev)); err != nil {
		return xml.Errorf(xml.CodeSystem, "unable to stat: %s: %s", k.Source.EvDev, drivers.SystemText(unwrapPath(err)))
	}
	return nil
}

// plainTCP says that a connection is not encrypted unless it is to be.
func plainTCP(s *xml.CharSource) {
	if s.Type == "tcp" && s.TLS == "" {
		s.TLS = "no"
	}
}
