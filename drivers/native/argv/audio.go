package argv

import (
	"slices"
	"strings"

	"virgo/xml"
)

// optAudio is a backend and a card in one.
func (r *reader) optAudio(w word) {
	p := r.parse(w, "driver")
	if p == nil {
		return
	}
	p.option = "-audiodev"
	model := p.take("model")
	id := p.peek("id")
	if id == "" {
		id = "audiodev0"
		p.list = append(p.list, property{key: "id", value: id})
	}
	p.list = slices.DeleteFunc(p.list, func(f property) bool { return f.key == "model" })
	r.audiodevs = append(r.audiodevs, p)
	r.soundDevice(model, id)
}

// soundDevice makes a card that is named in the short way.
func (r *reader) soundDevice(model, audio string) {
	line := 0
	add := func(driver string, pairs ...string) {
		r.devices = slices.Insert(r.devices, 0, build("-audio", line, append([]string{"driver", driver}, pairs...)...))
	}
	switch model {
	case "":
	case "hda":
		add("hda-duplex", "bus", "hda.0", "audiodev", audio)
		add("intel-hda", "id", "hda")
	case "ac97":
		add("AC97", "audiodev", audio)
	case "es1370":
		add("ES1370", "audiodev", audio)
	case "virtio":
		add("virtio-sound-pci", "audiodev", audio)
	case "pcspk":
		r.d.Devices.Sounds = append(r.d.Devices.Sounds, xml.Sound{Model: "pcspk"})
	default:
		add(model, "audiodev", audio)
	}
}

// audioRef is the number of a backend; they are read when the first is asked for.
func (r *reader) audioRef(id string) *xml.AudioRef {
	if r.audio == nil {
		r.audio = map[string]uint{}
		for _, p := range r.audiodevs {
			r.audioBackend(p)
		}
	}
	n, ok := r.audio[id]
	if !ok {
		return nil
	}
	return &xml.AudioRef{ID: n}
}

func (r *reader) audioBackend(p *props) {
	kind := p.take("driver")
	switch kind {
	case "pa":
		kind = "pulseaudio"
	case "wav":
		kind = "file"
	}
	if !slices.Contains([]string{"none", "alsa", "coreaudio", "jack", "oss", "pulseaudio", "sdl", "spice", "file", "dbus", "pipewire"}, kind) {
		r.passProps(p, "XML has no such backend")
		return
	}
	p.spent = true
	a := xml.Audio{ID: uint(len(r.d.Devices.Audios) + 1), Type: kind, TimerPeriod: p.uint("timer-period"), TryMMap: p.yesNo("try-mmap"), Exclusive: p.yesNo("exclusive"),
		ServerName: p.take("server"), Path: r.absolute(p.take("path"))}
	if n, ok := p.number("dsp-policy"); ok {
		i := int(n)
		a.DSPPolicy = &i
	}
	a.Input, a.Output = audioSide(p, "in."), audioSide(p, "out.")
	r.audio[p.take("id")] = a.ID
	r.leftovers(p)
	r.d.Devices.Audios = append(r.d.Devices.Audios, a)
}

func audioSide(p *props, k string) *xml.AudioSide {
	s := xml.AudioSide{MixingEngine: p.yesNo(k + "mixing-engine"), FixedSettings: p.yesNo(k + "fixed-settings"), Voices: p.uint(k + "voices"),
		BufferLength: p.uint(k + "buffer-length"), Dev: p.take(k + "dev"), BufferCount: p.uint(k + "buffer-count"), TryPoll: p.yesNo(k + "try-poll"),
		Name: p.take(k + "name"), StreamName: p.take(k + "stream-name"), ServerName: p.take(k + "server-name"), ClientName: p.take(k + "client-name"),
		Latency: p.uint(k + "latency"), ConnectPorts: p.take(k + "connect-ports"), ExactName: p.yesNo(k + "exact-name")}
	if s.FixedSettings == "" && (p.has(k+"frequency") || p.has(k+"channels") || p.has(k+"format")) {
		s.FixedSettings = "yes" // QEMU's default, as is the engine, which definitions want with it
		if s.MixingEngine == "" {
			s.MixingEngine = "yes"
		}
	}
	t := xml.AudioSettings{Frequency: p.uint(k + "frequency"), Channels: p.uint(k + "channels"), Format: p.take(k + "format")}
	if t != (xml.AudioSettings{}) {
		s.Settings = &t
	}
	if s == (xml.AudioSide{}) {
		return nil
	}
	return &s
}

// soundModels are the cards as XML names them.
var soundModels = []struct{ base, model string }{
	{"AC97", "ac97"}, {"ES1370", "es1370"}, {"ich9-intel-hda", "ich9"}, {"intel-hda", "ich6"}, {"sb16", "sb16"}, {"usb-audio", "usb"}, {"virtio-sound", "virtio"},
}

func (r *reader) sound(d *device) func() {
	s := xml.Sound{}
	for _, m := range soundModels {
		if m.base == d.base {
			s.Model = m.model
		}
	}
	if id := d.take("audiodev"); id != "" {
		s.Audio = r.audioRef(id)
	}
	switch s.Model {
	case "usb":
		s.MultiChannel, s.Address = d.yesNo("multi"), r.usbAddress(d)
	case "virtio":
		s.Streams, s.Driver = d.uint("streams"), d.virtioDriver()
		s.Address = d.address()
	default:
		s.Address = d.address()
	}
	var codecs []*device
	if strings.HasSuffix(d.base, "intel-hda") {
		codecs = r.codecs(d, &s)
	}
	return func() {
		for _, c := range codecs {
			c.spent = true
		}
		list := &r.d.Devices.Sounds
		at := len(*list)
		*list = append(*list, s)
		if d.id != "" {
			r.named[d.id] = named{kind: "sound", index: uint(at), alias: func(name string) { (*list)[at].Alias = &xml.Alias{Name: name} }}
		}
	}
}

// codecs are those on a card; one that XML cannot say is passed by itself.
func (r *reader) codecs(d *device, s *xml.Sound) []*device {
	var out []*device
	for _, c := range r.inOrder() {
		kind, ok := strings.CutPrefix(c.base, "hda-")
		bus, _, _ := strings.Cut(c.peek("bus"), ".")
		if !ok || c.spent || bus != d.id && bus != "" && bus != "hda" || r.claimed[c] {
			continue
		}
		r.claimed[c] = true
		c.take("bus", "cad", "audiodev")
		if ref := r.audioRef(c.peek("audiodev")); ref != nil && s.Audio == nil {
			s.Audio = ref
		}
		if len(c.left()) > 0 {
			for i := range c.list {
				c.list[i].used = false
			}
			continue
		}
		s.Codecs = append(s.Codecs, xml.SoundCodec{Type: kind})
		out = append(out, c)
	}
	return out
}
