package qemu

import (
	"context"
	"strconv"

	"virgo/drivers"
	"virgo/xml"
)

// sevNumbers are the numbers about AMD's memory encryption that domain
// capabilities have, by the peer's names.
var sevNumbers = [][2]string{{"cbitpos", "cbitpos"}, {"reduced-phys-bits", "reducedPhysBits"}, {"max-guests", "maxGuests"}, {"max-es-guests", "maxESGuests"}}

// SEVInfo tells what AMD's memory encryption offers to this host's guests.
func (c *Conn) SEVInfo(ctx context.Context) ([]drivers.Param, error) {
	doc, err := c.DomainCapabilities(ctx, drivers.EmulatorQuery{VirtType: "kvm"})
	if err != nil {
		return nil, err
	}
	root, err := xml.Parse(xml.Source{Name: "domcapabilities", Data: doc})
	if err != nil {
		return nil, err
	}
	found, err := root.Find("/domainCapabilities/features/sev[@supported='yes']")
	if err != nil || len(found) == 0 {
		return nil, xml.Errorf(xml.CodeUnsupported, "QEMU does not support SEV guest")
	}
	sev := found[0]
	var list []drivers.Param
	for _, n := range sevNumbers {
		if e := sev.Child(n[1]); e != nil {
			if v, err := strconv.ParseUint(e.Value(), 10, 32); err == nil {
				list = append(list, drivers.Param{Name: n[0], Value: uint32(v)})
			}
		}
	}
	return list, nil
}
