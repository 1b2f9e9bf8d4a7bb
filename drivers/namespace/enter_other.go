//go:build !linux

package namespace

import (
	"context"
	"errors"
	"fmt"
	"runtime"
)

// Enter is for Linux only.
func Enter(context.Context, Place, []string, Streams) error {
	return fmt.Errorf("entering a container on %s: %w", runtime.GOOS, errors.ErrUnsupported)
}
