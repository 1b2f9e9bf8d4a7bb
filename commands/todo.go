package commands

import (
	"context"

	"virgo/drivers"
)

func findXPath(doc []byte, expr string, wrap bool) (string, error) { return "", nil }
func attachConsole(ctx context.Context, c *Call, ref drivers.Ref, device string, f drivers.Flags) error {
	return nil
}
func editRows() []Command   { return nil }
func nativeRows() []Command { return nil }
