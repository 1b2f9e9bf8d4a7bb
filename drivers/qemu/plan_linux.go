package qemu

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"virgo/drivers"
	"virgo/drivers/domain"
	"virgo/xml"
)

var _ drivers.StartPlanner = (*domains)(nil)

// StartPlan tells what Start would do. Secrets are encrypted with a key that
// nobody keeps, but in a script that was asked for with them.
func (d *domains) StartPlan(ctx context.Context, r drivers.Ref, byHand bool, f drivers.Flags) (*drivers.StartPlan, error) {
	dom, _, err := d.definition(r)
	if err != nil {
		return nil, err
	}
	e, err := d.startable(ctx, dom)
	if err != nil {
		return nil, err
	}
	probed, err := d.images(dom, true)
	if err != nil {
		return nil, err
	}
	domain.AssignAliases(dom)
	if err := d.foresee(ctx, dom); err != nil {
		return nil, err
	}
	build, err := d.build(ctx, dom, e)
	if err != nil {
		return nil, err
	}
	build.ID, build.Live, build.VHost, build.Probed = d.comingID(), true, hasVHost(), probed
	build.ByHand, build.Paused = byHand, f.Has(drivers.Paused)
	if byHand {
		build.ID = -1 // no guest of virgo's has it
	}
	var secrets bool
	build.Secrets = &secrets
	p := &drivers.StartPlan{Files: Files(dom, build)}
	if p.Argv, p.Env, err = Args(dom, build); err != nil {
		return nil, err
	}
	owner, err := d.layout.userOf(dom)
	if err != nil {
		return nil, err
	}
	if owner != nil {
		p.User = fmt.Sprintf("%d:%d", owner.UID, owner.GID)
	}
	beside, err := companions(dom, build)
	if err != nil {
		return nil, err
	}
	for i := range beside {
		p.Beside = append(p.Beside, beside[i].shown(byHand))
		if byHand && len(beside[i].Pass) > 0 {
			return nil, xml.Errorf(xml.CodeOperationInvalid, "the state of the TPM is encrypted with a secret, which a script cannot pass on")
		}
	}
	if !byHand {
		p.Inherited = []string{"lock " + filepath.Join(d.layout.guest(dom.Name), aliveFile), "listening socket " + qmpSock, "listening socket " + spareSock}
		for _, t := range taps(dom, build.VHost) {
			p.Inherited = append(p.Inherited, t.inherited()...)
		}
		return p, nil
	}
	key := build.MasterKey
	switch {
	case !secrets:
		key = nil
	case !f.Has(drivers.SecurityInfo):
		return nil, xml.Errorf(xml.CodeOperationInvalid, "the definition has secrets, which a script must hold: --security-info allows it")
	}
	p.Script = Script(dom, p, d.layout, key)
	return p, nil
}

// comingID is the id that the next guest that starts gets.
func (c *Conn) comingID() int {
	data, _ := os.ReadFile(filepath.Join(c.layout.Run, "nextid"))
	id, _ := strconv.Atoi(strings.TrimSpace(string(data)))
	return max(id, 1)
}
