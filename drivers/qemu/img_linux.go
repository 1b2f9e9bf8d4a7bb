package qemu

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"

	"virgo/drivers"
	"virgo/xml"
)

// qemuImg runs qemu-img on disk images of a domain that does not run. It holds
// the domain's lock to its end, even if this process is killed.
func qemuImg(ctx context.Context, lock *drivers.Lock, args ...string) error {
	cmd := exec.CommandContext(ctx, "qemu-img", args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	cmd.ExtraFiles = []*os.File{lock.File()}
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, exec.ErrNotFound):
		return xml.Errorf(xml.CodeInternal, "unable to find qemu-img")
	case errors.As(err, &exit):
		return xml.Errorf(xml.CodeInternal, "Child process (qemu-img %s) unexpected exit status %d: %s", strings.Join(args, " "), exit.ExitCode(), stderr.String())
	}
	return xml.Errorf(xml.CodeInternal, "cannot run qemu-img: %v", err)
}
