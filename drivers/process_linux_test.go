package drivers

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"time"
)

func TestProcess(t *testing.T) {
	cmd := exec.Command("sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p, err := FindProcess(cmd.Process.Pid)
	if err != nil || !p.Alive() {
		t.Fatalf("%+v %v", p, err)
	}
	other := p
	other.Start++ // the pid has been given to another one
	if other.Alive() || other.Signal(9) == nil {
		t.Error("a process of another time is taken for it")
	}
	if !p.Alive() {
		t.Fatal("it was signalled all the same")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	if err := p.Wait(ctx); err == nil {
		t.Error("it has not ended")
	}
	if err := p.Signal(9); err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(context.Background()); err != nil {
		t.Error(err)
	}
	if p.Alive() { // a zombie: nobody has waited for it
		t.Error("a zombie is taken for alive")
	}
	_ = cmd.Wait()
	if _, err := FindProcess(p.PID); err == nil && p.Alive() {
		t.Error("it lives")
	}
	if self, err := FindProcess(os.Getpid()); err != nil || !self.Alive() {
		t.Error(err)
	}
}
