package namespace

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"virgo/xml"
)

// Enter runs a command in a place, and waits for it. A command that fails is an error. At a
// terminal the command is interrupted by the terminal itself, not by the context.
func Enter(ctx context.Context, p Place, command []string, s Streams) error {
	list, user, err := others(p.Files)
	if err != nil {
		return err
	}
	groups, err := groupsOf(p.Process)
	if err != nil {
		return err
	}
	ctx.Done() // an interrupt is for the command
	run, stop := commandContext(ctx, s.In)
	defer stop()
	err = apart(func() error { return within(run, p, list, user, groups, command, s) })
	if err != nil && run.Err() != nil {
		return context.Cause(run)
	}
	return err
}

// apart calls f on a thread that ends afterwards, since it is of no use to anybody
// else. The process's first thread does not end, and stands for all in /proc/self.
func apart(f func() error) error {
	ended := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() == os.Getpid() {
			err := apart(f)
			runtime.UnlockOSThread()
			ended <- err
			return
		}
		ended <- f()
	}()
	return <-ended
}

// commandContext is the context whose end kills the command.
func commandContext(ctx context.Context, in io.Reader) (context.Context, context.CancelFunc) {
	f, ok := in.(*os.File)
	if !ok {
		return context.WithCancel(ctx)
	}
	if _, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS); err != nil {
		return context.WithCancel(ctx)
	}
	if at, ok := ctx.Deadline(); ok {
		return context.WithDeadline(context.WithoutCancel(ctx), at)
	}
	return context.WithCancel(context.WithoutCancel(ctx))
}

// within runs the command; the thread it is called on changes.
func within(ctx context.Context, p Place, list []*os.File, user bool, groups *groups, command []string, s Streams) error {
	defer groups.close()
	if err := groups.join(); err != nil {
		return err
	}
	label, err := openLabel(p.Model)
	if err != nil {
		return err
	}
	if label != nil {
		defer label.Close()
	}
	cmd := exec.CommandContext(ctx, command[0])
	cmd.Path, cmd.Args, cmd.Err = command[0], command, nil
	cmd.WaitDelay = time.Second
	cmd.Stdin, cmd.Stdout, cmd.Stderr = s.In, s.Out, s.Err
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	if groups.unified != nil {
		cmd.SysProcAttr.UseCgroupFD, cmd.SysProcAttr.CgroupFD = true, int(groups.unified.Fd())
	}
	if user {
		if err := byProgram(cmd, list); err != nil {
			return err
		}
	} else if err := setAll(list); err != nil {
		return err
	} else {
		cmd.Dir = "/"
	}
	if label != nil {
		if err := confine(label, p.Model, p.Label); err != nil {
			return err
		}
	}
	if err := cmd.Start(); err != nil {
		return xml.Bare(xml.CodeInternal, "internal error: cannot run '%s' in the container: %v", command[0], bare(err))
	}
	err = cmd.Wait()
	status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
	switch {
	case ok && status.Signaled():
		return xml.Bare(xml.CodeInternal, "internal error: Child process (%d) unexpected fatal signal %d", cmd.Process.Pid, status.Signal())
	case ok && status.ExitStatus() != 0:
		return xml.Bare(xml.CodeInternal, "internal error: Child process (%d) unexpected exit status %d", cmd.Process.Pid, status.ExitStatus())
	}
	return err
}

// openLabel opens the file that takes this thread's label, nil if the model has none.
// The place may have no /proc.
func openLabel(model string) (*os.File, error) {
	switch model {
	case "selinux":
		return os.OpenFile("/proc/thread-self/attr/exec", os.O_WRONLY, 0)
	case "apparmor":
		return os.OpenFile("/proc/thread-self/attr/current", os.O_WRONLY, 0)
	}
	return nil, nil
}

// confine has what this thread starts be confined like the place.
func confine(f *os.File, model, label string) error {
	if model == "apparmor" {
		label = "changeprofile " + label
	}
	if _, err := f.WriteString(label); err != nil {
		return xml.Bare(xml.CodeSystem, "Unable to set the security label '%s': %v", label, bare(err))
	}
	return nil
}

// bare is what the system says.
func bare(err error) error {
	var no syscall.Errno
	if errors.As(err, &no) {
		return no
	}
	return err
}

// setAll moves this thread.
func setAll(list []*os.File) error {
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		return os.NewSyscallError("unshare", err)
	}
	for _, f := range list {
		if err := unix.Setns(int(f.Fd()), 0); err != nil {
			return xml.Bare(xml.CodeSystem, "Unable to join domain namespace: %v", err)
		}
	}
	return nil
}

// kinds of namespaces, by their flags, with nsenter's options.
var kinds = [...]struct {
	flag         int
	name, option string
}{
	{unix.CLONE_NEWUSER, "user", "--user"}, {unix.CLONE_NEWIPC, "ipc", "--ipc"}, {unix.CLONE_NEWUTS, "uts", "--uts"}, {unix.CLONE_NEWNET, "net", "--net"},
	{unix.CLONE_NEWPID, "pid", "--pid"}, {unix.CLONE_NEWNS, "mnt", "--mount"}, {unix.CLONE_NEWCGROUP, "cgroup", "--cgroup"}, {unix.CLONE_NEWTIME, "time", "--time"},
}

// kindOf is the index of a namespace's kind.
func kindOf(f *os.File) (int, error) {
	flag, _, no := unix.Syscall(unix.SYS_IOCTL, f.Fd(), unix.NS_GET_NSTYPE, 0)
	for i, k := range kinds {
		if no == 0 && k.flag == int(flag) {
			return i, nil
		}
	}
	return 0, xml.Bare(xml.CodeInternal, "internal error: '%s' is not a namespace", f.Name())
}

// others leaves the namespaces out in which this process lives already. user tells
// whether a user namespace is among the rest: a process of many threads cannot
// enter one.
func others(files []*os.File) (list []*os.File, user bool, err error) {
	for _, f := range files {
		i, err := kindOf(f)
		if err != nil {
			return nil, false, err
		}
		var here, there unix.Stat_t
		if unix.Stat("/proc/self/ns/"+kinds[i].name, &here) == nil && unix.Fstat(int(f.Fd()), &there) == nil && here.Dev == there.Dev && here.Ino == there.Ino {
			continue
		}
		user = user || kinds[i].flag == unix.CLONE_NEWUSER
		list = append(list, f)
	}
	return list, user, nil
}

// byProgram has nsenter, which has one thread, run the command.
func byProgram(cmd *exec.Cmd, list []*os.File) error {
	program, err := exec.LookPath("nsenter")
	if err != nil {
		return xml.Bare(xml.CodeInternal, "internal error: the container has users of its own: util-linux's nsenter is needed to enter it: %v", err)
	}
	args := []string{program, "--preserve-credentials"}
	for n, f := range list {
		i, err := kindOf(f)
		if err != nil {
			return err
		}
		args = append(args, fmt.Sprintf("%s=/proc/self/fd/%d", kinds[i].option, 3+n))
	}
	cmd.Path, cmd.Args, cmd.ExtraFiles = program, append(append(args, "--"), cmd.Args...), list
	return nil
}
