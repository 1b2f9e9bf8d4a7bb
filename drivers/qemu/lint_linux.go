package qemu

import (
	"context"

	"virgo/drivers"
	"virgo/drivers/domain"
	"virgo/xml"
)

var _ drivers.Linter = (*domains)(nil)

// Lint tells what define, and the emulator, say against a document.
func (d *domains) Lint(ctx context.Context, src xml.Source) ([]xml.Finding, error) {
	root, err := xml.Parse(src)
	if err != nil {
		return nil, err
	}
	dom, err := d.parse(ctx, src, 0)
	if err != nil {
		return nil, err
	}
	e, err := d.emulator(ctx, dom.Devices.Emulator, dom.Type)
	if err != nil {
		return []xml.Finding{{Level: xml.LintNote, Code: "no-emulator", Message: "the emulator could not be asked: " + err.Error()}}, nil
	}
	var out []xml.Finding
	if dom.Type == "kvm" && !canKVM(dom.OS.Type.Arch) {
		f := xml.Finding{Line: int(root.Line), Column: int(root.Column), Level: xml.LintWarning, Code: "no-kvm", Message: "this host cannot run it: KVM is not available"}
		return append(out, f), nil
	}
	cpus, err := d.HypervisorCPU(ctx, drivers.EmulatorQuery{Emulator: dom.Devices.Emulator, VirtType: dom.Type, Arch: dom.OS.Type.Arch})
	if err != nil {
		return nil, err
	}
	domain.AssignAliases(dom)
	var argv []string
	written := *dom
	build, err := d.build(ctx, dom, e)
	if err == nil {
		argv, _, err = Args(dom, build)
	}
	out = emulatorFindings(root, &written, e, cpus, argv)
	if err != nil {
		out = append(out, xml.Finding{Line: int(root.Line), Column: int(root.Column), Level: xml.LintWarning, Code: "no-start", Message: "it could not start here: " + err.Error()})
	}
	return out, nil
}
