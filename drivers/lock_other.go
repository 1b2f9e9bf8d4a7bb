//go:build !linux

package drivers

import "context"

// lockNamed takes the lock of a name.
func lockNamed(ctx context.Context, dir, name string) (*Lock, error) { return lockOwn(ctx, dir, name) }
