package qemu

import (
	"context"
	"os"
	"time"

	"virgo/drivers"
	"virgo/drivers/keycode"
	"virgo/drivers/qemu/qmp"
	"virgo/xml"
)

var (
	_ drivers.Screenshotter    = (*domains)(nil)
	_ drivers.KeySender        = (*domains)(nil)
	_ drivers.GraphicsReloader = (*domains)(nil)
)

// SendKey presses keys together.
func (d *domains) SendKey(ctx context.Context, r drivers.Ref, codeset string, hold time.Duration, keys []uint) error {
	list := make([]map[string]any, len(keys))
	for i, k := range keys {
		n, ok := keycode.ForQEMU(codeset, k)
		if codeset == "qnum" { // QEMU's own numbers are passed on as they are
			n, ok = k, true
		}
		if !ok {
			return xml.Errorf(xml.CodeInternal, "cannot translate keycode %d of %s codeset to qnum keycode", k, codeset)
		}
		list[i] = map[string]any{"type": "number", "data": n}
	}
	args := map[string]any{"keys": list}
	if hold > 0 {
		args["hold-time"] = hold.Milliseconds()
	}
	return d.asked(ctx, r, func(q *qmp.Conn) error { return refusal("send-key", q.Execute(ctx, "send-key", args, nil)) })
}

// pngSince is the version of QEMU that writes PNG.
const pngSince = 7001000

// Screenshot has QEMU write a picture of a screen into the guest's own folder.
func (d *domains) Screenshot(ctx context.Context, r drivers.Ref, screen int) (string, []byte, error) {
	dom, err := d.liveDomain(ctx, r)
	if err != nil {
		return "", nil, err
	}
	s, err := readStatus(d.layout.guest(r.Name))
	if err != nil {
		return "", nil, notRunning()
	}
	args, err := screenOf(dom, screen)
	if err != nil {
		return "", nil, err
	}
	mime := "image/x-portable-pixmap"
	if s.Version >= pngSince {
		mime, args["format"] = "image/png", "png"
	}
	f, err := os.CreateTemp(s.LibDir, "screenshot-*")
	if err != nil {
		return "", nil, xml.Errorf(xml.CodeSystem, "unable to open %s: %s", s.LibDir, drivers.SystemText(unwrapPath(err)))
	}
	defer f.Close()
	defer os.Remove(f.Name())
	owner, err := d.layout.user()
	if err == nil && owner != nil {
		err = f.Chown(int(owner.UID), int(owner.GID))
	}
	if err != nil {
		return "", nil, err
	}
	args["filename"] = f.Name()
	err = d.asked(ctx, r, func(q *qmp.Conn) error { return refusal("screendump", q.Execute(ctx, "screendump", args, nil)) })
	if err != nil {
		return "", nil, err
	}
	data, err := os.ReadFile(f.Name())
	return mime, data, err
}

// screenOf finds the video card and the head that show a screen.
func screenOf(dom *xml.Domain, screen int) (map[string]any, error) {
	if len(dom.Devices.Videos) == 0 {
		return nil, xml.Errorf(xml.CodeOperationInvalid, "no screens to take screenshot from")
	}
	args := map[string]any{}
	if screen == 0 { // the first one: QEMU's own choice
		return args, nil
	}
	left := screen
	for i := range dom.Devices.Videos {
		v := &dom.Devices.Videos[i]
		heads := 1
		if v.Model != nil {
			heads = max(int(v.Model.Heads), 1)
		}
		if left < heads {
			args["device"], args["head"] = aliasOf(v.Alias), left
			return args, nil
		}
		left -= heads
	}
	return nil, xml.Errorf(xml.CodeOperationInvalid, "no such screen ID")
}

// ReloadGraphics has VNC read its certificates again.
func (d *domains) ReloadGraphics(ctx context.Context, r drivers.Ref, kind uint32) error {
	const vnc = 1 // 0 is any
	if kind > vnc {
		return xml.Errorf(xml.CodeInvalidArg, "domain graphics reload type '%d' unsupported", kind)
	}
	dom, err := d.liveDomain(ctx, r)
	if err != nil {
		if def, _, derr := d.definition(r); derr == nil && kind == 0 && !hasVNC(def) {
			return nil // there is nothing to do
		}
		return err
	}
	if !hasVNC(dom) {
		if kind == vnc {
			return xml.Errorf(xml.CodeInvalidArg, "domain has no graphics of type vnc")
		}
		return nil
	}
	args := map[string]any{"type": "vnc", "tls-certs": true}
	return d.asked(ctx, r, func(q *qmp.Conn) error { return refusal("display-reload", q.Execute(ctx, "display-reload", args, nil)) })
}

func hasVNC(dom *xml.Domain) bool {
	for i := range dom.Devices.Graphics {
		if dom.Devices.Graphics[i].Type == "vnc" {
			return true
		}
	}
	return false
}
