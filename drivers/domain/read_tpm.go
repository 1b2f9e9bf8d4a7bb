package domain

import "virgo/xml"

// readTPMs checks what modules are made of.
func readTPMs(d *xml.Domain) error {
	for i := range d.Devices.TPMs {
		b := d.Devices.TPMs[i].Backend
		if b == nil {
			continue
		}
		if b.PersistentState == "no" {
			b.PersistentState = ""
		}
		if e := b.Encryption; e != nil && e.Secret != "" {
			u, ok := xml.ParseUUID(e.Secret)
			if !ok {
				return xml.Errorf(xml.CodeInternal, "Unable to parse secret uuid '%s'", e.Secret)
			}
			e.Secret = u
		}
		if err := readTPMSource(b); err != nil {
			return err
		}
	}
	return nil
}

// readTPMSource checks where a module's state, or its socket, lies.
func readTPMSource(b *xml.TPMBackend) error {
	s := b.Source
	if s != nil {
		s.SecLabels = nil
	}
	switch {
	case b.Type == "external" && (s == nil || s.Type == ""):
		return xml.Errorf(xml.CodeXML, "missing external TPM backend source type")
	case s == nil:
	case b.Type == "external" && !contains(xml.CharTypes, s.Type):
		return unsupported("unknown backend source type '%s' for external TPM", s.Type)
	case b.Type == "external" && s.Type == "unix":
		if !contains([]string{"", "connect", "bind"}, s.Mode) {
			return xml.Errorf(xml.CodeXML, "Invalid value for attribute 'mode' in element 'source': '%s'.", s.Mode)
		}
		setDefault(&s.Mode, "connect")
	case b.Type == "emulator" && !contains([]string{"", "file", "dir"}, s.Type):
		return xml.Errorf(xml.CodeXML, "Invalid value for attribute 'type' in element 'source': '%s'.", s.Type)
	case b.Type == "emulator" && s.Path == "":
		return xml.Errorf(xml.CodeXML, "missing TPM source path")
	}
	return nil
}

// checkExternalTPM wants a socket that the module listens on.
func checkExternalTPM(s *xml.TPMSource) error {
	switch {
	case s == nil:
		return nil
	case s.Type != "unix":
		return xml.Errorf(xml.CodeXML, "only source type 'unix' is supported for external TPM device")
	case s.Path == "":
		return xml.Errorf(xml.CodeXML, "missing socket path for external TPM device")
	case s.Mode == "bind":
		return xml.Errorf(xml.CodeXML, "only 'connect' mode is supported for external TPM device")
	}
	return nil
}
