package xml

import (
	"slices"
)

// Input is a keyboard, mouse or tablet.
type Input struct {
	Type    string        `el:"type,attr,order=1" missing:"internal error: missing input device type" enum:"mouse tablet keyboard passthrough evdev" unknown:"unsupported configuration: unknown input device type '%s'"`
	Bus     string        `el:"bus,attr,order=3" enum:"ps2 usb xen parallels virtio none" unknown:"unsupported configuration: unknown input bus type '%s'"`
	Model   string        `el:"model,attr,order=2" enum:"virtio virtio-transitional virtio-non-transitional" unknown:"unsupported configuration: unknown input model '%s'"`
	Driver  *VirtioDriver `el:"driver"`
	Source  *InputSource  `el:"source,order=7"`
	Alias   *Alias        `el:"alias,order=4"`
	ACPI    *ACPIIndex    `el:"acpi,order=5"`
	Address *Address      `el:"address,order=6"`
}

// inputParts are what only inputs of some types have.
var inputParts = []partOfTypes{{"source", "passthrough evdev"}, {"source@evdev", "passthrough"}, {"source@dev", "evdev"}, {"source@grab", "evdev"}, {"source@grabToggle", "evdev"}, {"source@repeat", "evdev"}}

// DecodeNode reads what an input of the type has. A source must name a device,
// though it may have no name.
func (in *Input) DecodeNode(n *Node) error {
	kind, _ := n.Attr("type")
	own := n.ofType(kind, inputParts)
	c := own.Child("source")
	if c == nil {
		return DecodeFields(own, in)
	}
	if _, named := c.Attr(map[string]string{"passthrough": "evdev", "evdev": "dev"}[kind]); named {
		return DecodeFields(own, in)
	}
	if err := DecodeFields(own.without(func(name string, attr bool) bool { return !attr && (name == "source" || name == "driver") }), in); err != nil {
		return err
	}
	return Errorf(CodeXML, "Missing evdev path for input device")
}

// InputSource is the host's device.
type InputSource struct {
	EvDev      string `el:"evdev,attr,kept"`
	Dev        string `el:"dev,attr,kept"`
	Grab       string `el:"grab,attr" enum:"all"`
	GrabToggle string `el:"grabToggle,attr" enum:"ctrl-ctrl alt-alt shift-shift meta-meta scrolllock ctrl-scrolllock"`
	Repeat     OnOff  `el:"repeat,attr"`
}

// Sound is a sound card.
type Sound struct {
	Model        string        `el:"model,attr,required" enum:"sb16 es1370 pcspk ac97 ich6 ich9 usb ich7 virtio"`
	MultiChannel YesNo         `el:"multichannel,attr"`    // usb
	Streams      uint          `el:"streams,attr,nonzero"` // virtio
	Codecs       []SoundCodec  `el:"codec"`
	Audio        *AudioRef     `el:"audio"`
	Alias        *Alias        `el:"alias"`
	ACPI         *ACPIIndex    `el:"acpi"`
	Address      *Address      `el:"address"`
	Driver       *VirtioDriver `el:"driver"`
}

// SoundCodec is a part of an HDA card.
type SoundCodec struct {
	Type string `el:"type,attr" enum:"duplex micro output" missing:"unsupported configuration: unknown codec type '(null)'" unknown:"unsupported configuration: unknown codec type '%s'"`
}

// soundParts are what only cards of some models have.
var soundParts = []partOfTypes{{"@multichannel", "usb"}, {"@streams", "virtio"}, {"codec", "ich6 ich9"}}

// DecodeNode reads what a card of the model has.
func (s *Sound) DecodeNode(n *Node) error {
	model, _ := n.Attr("model")
	return DecodeFields(n.ofType(model, soundParts), s)
}

// AudioRef names an audio backend.
type AudioRef struct {
	ID uint `el:"id,attr,required,nonzero"`
}

// Audio is a sound backend of the host.
type Audio struct {
	ID          uint       `el:"id,attr,required,nonzero,order=2"`
	Type        string     `el:"type,attr,required,order=1" enum:"none alsa coreaudio jack oss pulseaudio sdl spice file dbus pipewire"`
	TimerPeriod uint       `el:"timerPeriod,attr,nonzero"`
	TryMMap     YesNo      `el:"tryMMap,attr"`
	Exclusive   YesNo      `el:"exclusive,attr"`
	DSPPolicy   *int       `el:"dspPolicy,attr"`
	ServerName  string     `el:"serverName,attr,kept"`
	RuntimeDir  string     `el:"runtimeDir,attr,kept"`
	Driver      string     `el:"driver,attr" enum:"esd alsa arts pulseaudio"`
	Path        string     `el:"path,attr,kept"`
	Input       *AudioSide `el:"input"`
	Output      *AudioSide `el:"output"`
}

// audioParts are what only backends of some types have.
var audioParts = sidesOf([]partOfTypes{{"@tryMMap", "oss"}, {"@exclusive", "oss"}, {"@dspPolicy", "oss"}, {"@driver", "sdl"}, {"@serverName", "pulseaudio"}, {"@runtimeDir", "pipewire"}, {"@path", "file"}},
	[]partOfTypes{{"@dev", "alsa oss"}, {"@tryPoll", "oss"}, {"@bufferCount", "coreaudio oss sdl"}, {"@name", "pulseaudio pipewire"}, {"@streamName", "pulseaudio pipewire"},
		{"@latency", "pulseaudio pipewire"}, {"@serverName", "jack"}, {"@clientName", "jack"}, {"@connectPorts", "jack"}, {"@exactName", "jack"}})

// sidesOf adds to a list what both sides have.
func sidesOf(list, side []partOfTypes) []partOfTypes {
	for _, name := range []string{"input", "output"} {
		for _, p := range side {
			list = append(list, partOfTypes{name + p.name, p.types})
		}
	}
	return list
}

// DecodeNode reads what a backend of the type has: first what is common to all types, of
// both sides too.
func (a *Audio) DecodeNode(n *Node) error {
	kind, _ := n.Attr("type")
	own := n.ofType(kind, audioParts)
	var common Audio
	if err := DecodeFields(own.without(func(name string, attr bool) bool {
		return !attr || name != "id" && name != "type" && name != "timerPeriod"
	}), &common); err != nil {
		return err
	}
	for _, name := range []string{"input", "output"} {
		if c := own.Child(name); c != nil {
			if err := commonSide(c); err != nil {
				return err
			}
		}
	}
	if err := DecodeFields(own, a); err != nil {
		return err
	}
	if a.DSPPolicy != nil && *a.DSPPolicy < 0 {
		return Errorf(CodeXML, "cannot parse 'dspPolicy' value '%d'", *a.DSPPolicy)
	}
	return nil
}

// commonSide checks what sides of all types have, in the order in which it is read.
func commonSide(n *Node) error {
	var s AudioSide
	for _, names := range [][]string{{"mixingEngine", "fixedSettings"}, {"voices", "bufferLength"}, {"settings"}} {
		if names[0] == "settings" && n.Child("settings") != nil && s.FixedSettings != "yes" {
			return Errorf(CodeConfigUnsupported, "audio settings specified without fixed settings flag")
		}
		if err := DecodeFields(n.without(func(name string, _ bool) bool { return !slices.Contains(names, name) }), &s); err != nil {
			return err
		}
		if s.FixedSettings == "yes" && s.MixingEngine != "yes" {
			return Errorf(CodeConfigUnsupported, "fixed audio settings requires mixing engine")
		}
	}
	return nil
}

// AudioSide is the recording or the playing side.
type AudioSide struct {
	MixingEngine  YesNo          `el:"mixingEngine,attr"`
	FixedSettings YesNo          `el:"fixedSettings,attr"`
	Voices        uint           `el:"voices,attr,nonzero"`
	BufferLength  uint           `el:"bufferLength,attr,nonzero"`
	Dev           string         `el:"dev,attr,kept"`
	BufferCount   uint           `el:"bufferCount,attr,nonzero"`
	TryPoll       YesNo          `el:"tryPoll,attr,order=1"`
	Name          string         `el:"name,attr,kept"`
	StreamName    string         `el:"streamName,attr,kept"`
	ServerName    string         `el:"serverName,attr,kept"`
	ClientName    string         `el:"clientName,attr,kept"`
	Latency       uint           `el:"latency,attr,nonzero"`
	ConnectPorts  string         `el:"connectPorts,attr,kept"`
	ExactName     YesNo          `el:"exactName,attr"`
	Settings      *AudioSettings `el:"settings,bare"`
}

// AudioSettings is the format of the samples.
type AudioSettings struct {
	Frequency uint   `el:"frequency,attr,nonzero"`
	Channels  uint   `el:"channels,attr,nonzero"`
	Format    string `el:"format,attr" enum:"s8 u8 s16 u16 s32 u32 f32"`
}
