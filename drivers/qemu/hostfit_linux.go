package qemu

import (
	"os"
	"strings"

	"virgo/cpu"
	"virgo/drivers"
	"virgo/xml"
)

// What a definition wants of the host, which may be another one at each start.

// tscFits refuses a frequency of the time stamp counter that the host's own is not
// near enough to, where the host cannot scale it.
func tscFits(dom *xml.Domain) error {
	if dom.Clock == nil || !cpu.IsX86(dom.OS.Type.Arch) {
		return nil
	}
	for _, t := range dom.Clock.Timers {
		if t.Name != "tsc" || t.Frequency == 0 {
			continue
		}
		host, err := cpu.Host()
		if err != nil || host.Counter == nil {
			return nil
		}
		return tscNear(t.Frequency, host.Counter)
	}
	return nil
}

// tscNear tells it of one counter: they may be 250 millionths apart.
func tscNear(want uint64, have *xml.CPUCounter) error {
	slack := have.Frequency * 250 / 1000000
	if have.Scaling == "yes" || want >= have.Frequency-slack && want <= have.Frequency+slack {
		return nil
	}
	return xml.Errorf(xml.CodeConfigUnsupported, "Requested TSC frequency %d Hz is outside tolerance range ([%d, %d] Hz) around host frequency %d Hz and TSC scaling is not supported by the host CPU",
		want, have.Frequency-slack, have.Frequency+slack, have.Frequency)
}

// renderNodes gives displays without a window a card of the host to draw with.
func renderNodes(dom *xml.Domain) error {
	for i := range dom.Devices.Graphics {
		g := &dom.Devices.Graphics[i]
		if g.Type != "egl-headless" || g.GL != nil && g.GL.RenderNode != "" {
			continue
		}
		const folder = "/dev/dri"
		entries, err := os.ReadDir(folder)
		if err != nil {
			return drivers.SystemError("cannot open directory", folder, err)
		}
		for _, e := range entries {
			if strings.HasPrefix(e.Name(), "renderD") {
				gl := xml.GraphicsGL{}
				if g.GL != nil {
					gl = *g.GL
				}
				gl.RenderNode, g.GL = folder+"/"+e.Name(), &gl
				break
			}
		}
	}
	return nil
}
