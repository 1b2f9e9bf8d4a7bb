package commands

import (
	"context"
	"fmt"
	"io"
	"os/signal"
	"syscall"

	"virgo/drivers"
)

func console(ctx context.Context, c *Call) error {
	_, ref, err := c.Domain(ctx)
	if err != nil {
		return err
	}
	return attachConsole(ctx, c, ref, c.Str("devname"), c.Flags("force", drivers.Force, "safe", drivers.Safe))
}

// attachConsole joins the user's terminal to a domain's console until the
// escape character is typed or the console ends.
func attachConsole(ctx context.Context, c *Call, ref drivers.Ref, device string, f drivers.Flags) error {
	objects, err := domainKind.objects(ctx, c)
	if err != nil {
		return err
	}
	fresh, err := objects.Lookup(ctx, drivers.ByName, ref.Name)
	if err != nil {
		return err
	}
	if fresh.ID < 0 {
		return shellError("The domain is not running")
	}
	if !c.Terminal || c.MakeRaw == nil {
		return shellError("Cannot run interactive console without a controlling TTY")
	}
	d, err := change[drivers.Consoler](c, objects, "virDomainOpenConsole")
	if err != nil {
		return err
	}
	link, err := d.Console(ctx, fresh, device, f)
	if err != nil {
		return err
	}
	defer link.Close()
	if !c.Quiet {
		c.Print(fmt.Sprintf("Connected to domain '%s'\nEscape character is %s\n", ref.Name, escapeText(c.Escape)))
	}
	c.Flush()
	restore, err := c.MakeRaw()
	if err != nil {
		return err
	}
	defer restore()
	if c.Has("resume") {
		if p, ok := objects.(drivers.Pauser); ok {
			if err := p.Resume(ctx, fresh); err != nil {
				return err
			}
		}
	}
	// the terminal is put in order, whatever ends this
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	out := make(chan error, 1)
	go func() {
		_, err := io.Copy(c.Out, link)
		out <- err
	}()
	in := make(chan error, 1)
	go func() { in <- typeInto(link, c.In, c.Escape) }()
	select {
	case <-ctx.Done():
		return ErrReported
	case err = <-out:
	case err = <-in:
	}
	return err
}

// escapeText is the escape character as people write it, with its keys.
func escapeText(b byte) string {
	if b >= ' ' {
		return string(rune(b))
	}
	return fmt.Sprintf("^%c (Ctrl + %c)", b|0x40, b|0x40)
}

// typeInto passes what is typed, until the escape character.
func typeInto(w io.Writer, r io.Reader, escape byte) error {
	buf := make([]byte, 1024)
	for {
		n, err := r.Read(buf)
		for i := 0; i < n; i++ {
			if buf[i] == escape {
				_, err := w.Write(buf[:i])
				return err
			}
		}
		if _, e := w.Write(buf[:n]); e != nil {
			return nil // the console has ended
		}
		if err != nil {
			return nil
		}
	}
}
