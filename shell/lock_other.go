//go:build !unix

package shell

import "os"

// lock does nothing where there are no advisory locks.
func lock(*os.File) (func(), error) { return func() {}, nil }
