//go:build unix

package shell

import (
	"context"
	"errors"
	"os"
	"syscall"
	"testing"
	"time"
)

func TestInterruptible(t *testing.T) {
	i := &interruptible{parent: context.Background()}
	if i.Err() != nil || i.now() != context.Background() {
		t.Fatal("it listens although nobody asked")
	}
	child, cancel := context.WithTimeout(i, time.Minute)
	defer cancel()
	if err := syscall.Kill(os.Getpid(), syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	select {
	case <-child.Done():
	case <-time.After(10 * time.Second):
		t.Fatal("ctrl-C did not end what was derived from it")
	}
	if !errors.Is(i.Err(), context.Canceled) {
		t.Errorf("its error is %v", i.Err())
	}
	i.close()
	(&interruptible{parent: context.Background()}).close()
}
