package watch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"virgo/drivers"
	"virgo/xml"
)

// Command is the hidden first argument that makes the program a watcher.
const Command = "watch-domain"

// Request is what a watcher is told when it starts.
type Request struct {
	Driver string          `json:"driver"`
	Dir    string          `json:"dir"`    // the guest's run folder
	Adopt  bool            `json:"adopt"`  // the guest runs already
	Config json.RawMessage `json:"config"` // the driver's own
	Files  []string        `json:"files"`  // what the inherited files are, from descriptor firstFile on
}

// firstFile is the descriptor of the first inherited file; 3 is the report.
const firstFile = 4

// Session is a watcher's own view of its life.
type Session struct {
	Request
	Lock   *drivers.Lock // watch.lock of Dir: held as long as this watcher lives
	report *os.File
	files  map[string]*os.File
}

// File is an inherited file, nil if there is none of that name.
func (s *Session) File(name string) *os.File { return s.files[name] }

// Started tells the command that waits that the guest runs; v goes to it as JSON.
// After that nothing more can be reported.
func (s *Session) Started(v any) {
	data, err := json.Marshal(v)
	if err == nil {
		s.send(report{Result: data})
	}
	for name, f := range s.files {
		if name == "lock" {
			f.Close() // the object may be changed again
		}
	}
}

func (s *Session) send(r report) {
	if s.report == nil {
		return
	}
	// The command may have been killed: nobody listens then, and the guest runs on.
	_ = json.NewEncoder(s.report).Encode(r)
	s.report.Close()
	s.report = nil
}

// report is the answer to the command that started the watcher.
type report struct {
	Result json.RawMessage `json:"result,omitempty"`
	Code   xml.Code        `json:"code,omitempty"`
	Error  string          `json:"error,omitempty"`
}

// Guest is a driver's watcher: it starts or adopts the guest, calls Started, and
// returns when the guest has ended and everything is cleaned up. An error
// before Started means that nothing is left of the guest.
type Guest func(context.Context, *Session) error

// Main runs the watcher if args ask for one. handled is false for any other
// command line.
func Main(args []string, guests func(driver string) Guest) (status int, handled bool) {
	if len(args) < 2 || args[1] != Command {
		return 0, false
	}
	s, err := session()
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		return 1, true
	}
	guest := guests(s.Driver)
	if guest == nil {
		fmt.Fprintf(os.Stderr, "error: no watcher for driver %q\n", s.Driver)
		return 1, true
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	err = guest(ctx, s)
	if err != nil {
		r := report{Code: xml.CodeInternal, Error: err.Error()}
		var e *xml.Error
		if errors.As(err, &e) {
			r.Code, r.Error = e.Code, e.Msg
		}
		s.send(r)
		return 1, true
	}
	return 0, true
}

// session reads the request and makes the process a quiet one: small, deaf to
// the terminal, and alone with its guest.
func session() (*Session, error) {
	signal.Ignore(unix.SIGHUP, unix.SIGINT, unix.SIGPIPE, unix.SIGQUIT, unix.SIGTERM)
	debug.SetGCPercent(25)
	runtime.GOMAXPROCS(1)
	s := &Session{files: make(map[string]*os.File)}
	if err := json.NewDecoder(os.Stdin).Decode(&s.Request); err != nil {
		return nil, fmt.Errorf("%s is for virgo's own use: %w", Command, err)
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	if err := unix.Dup2(int(null.Fd()), 0); err != nil {
		return nil, err
	}
	null.Close()
	unix.CloseOnExec(3)
	s.report = os.NewFile(3, "report")
	for i, name := range s.Files {
		unix.CloseOnExec(firstFile + i)
		s.files[name] = os.NewFile(uintptr(firstFile+i), name)
	}
	lock, err := drivers.TryLockFile(filepath.Join(s.Dir, "watch.lock"))
	if err == nil && lock == nil {
		err = errors.New("the guest has a watcher already")
	}
	if err != nil {
		s.send(report{Code: xml.CodeInternal, Error: err.Error()})
		return nil, err
	}
	s.Lock = lock
	return s, nil
}

// Options are a start's further wishes.
type Options struct {
	Root, Name string              // for the process list
	Files      map[string]*os.File // inherited by the watcher
	Log        *os.File            // its standard error
}

// Start runs a watcher and waits for its report; result is what Started was
// given. If ctx ends first, the watcher goes on by itself.
func Start(ctx context.Context, req Request, opt Options) (result json.RawMessage, err error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("cannot find virgo's own program: %w", err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	cmd := exec.Command(exe, Command, opt.Root, opt.Name)
	cmd.ExtraFiles = []*os.File{w}
	for name, f := range opt.Files {
		req.Files = append(req.Files, name)
		cmd.ExtraFiles = append(cmd.ExtraFiles, f)
	}
	cmd.Stderr = opt.Log
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	in, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	w.Close()
	if err != nil {
		return nil, fmt.Errorf("cannot start the watcher: %w", err)
	}
	LeaveScope(cmd.Process.Pid, opt.Name)
	err = json.NewEncoder(in).Encode(req)
	in.Close()
	if err != nil && !errors.Is(err, unix.EPIPE) {
		return nil, fmt.Errorf("cannot tell the watcher: %w", err)
	}
	// The watcher outlives this process as a rule; where this one is a shell that
	// lives long, somebody must reap it.
	go func() { _ = cmd.Wait() }()
	return readReport(ctx, r)
}

func readReport(ctx context.Context, r *os.File) (json.RawMessage, error) {
	if ctx.Done() != nil {
		stop := context.AfterFunc(ctx, func() { _ = r.SetReadDeadline(time.Now()) })
		defer stop()
	}
	data, err := io.ReadAll(r)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	var rep report
	if err != nil || json.Unmarshal(data, &rep) != nil {
		return nil, xml.Errorf(xml.CodeInternal, "the guest's watcher ended without a word")
	}
	if rep.Error != "" {
		return nil, &xml.Error{Code: rep.Code, Msg: rep.Error}
	}
	return rep.Result, nil
}

// Alive tells whether a watcher stands by the guest of that run folder.
func Alive(dir string) bool {
	l, err := drivers.TryLockFile(filepath.Join(dir, "watch.lock"))
	if err != nil {
		return false
	}
	l.Unlock()
	return l == nil
}
