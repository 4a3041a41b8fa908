package pgserver

import (
	"errors"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// child is a process that does not outlive us.
type child struct {
	cmd  *exec.Cmd
	done chan struct{}
	err  error // what Wait returned; read after done
}

// startChild starts cmd so that it is sent the signal onDeath when we end, even
// by SIGKILL.
//
// On Linux the kernel does so, when the *thread* that forked ends. A goroutine
// that locked its thread forks, waits and never unlocks, and so keeps that
// thread alive as long as the child. Elsewhere a small guard process does it.
//
// The child leads a process group of its own: Ctrl-C on the terminal reaches us
// alone, and we end it in good order.
func startChild(cmd *exec.Cmd, onDeath syscall.Signal) (*child, error) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	endWithParent(cmd.SysProcAttr, onDeath)
	c := &child{cmd: cmd, done: make(chan struct{})}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		c.err = cmd.Wait()
		close(c.done)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	if !kernelEndsChildren {
		if err := c.guard(onDeath); err != nil {
			c.kill()
			return nil, err
		}
	}
	return c, nil
}

// signal sends sig to the process; one that has ended takes no notice.
func (c *child) signal(sig syscall.Signal) {
	_ = c.cmd.Process.Signal(sig) // os.ErrProcessDone
}

// quit asks a server to end at once (SIGQUIT is PostgreSQL's immediate
// shutdown), kills it when it does not, and waits for it.
func (c *child) quit() {
	c.signal(syscall.SIGQUIT)
	select {
	case <-c.done:
	case <-time.After(killAfter):
		c.kill()
	}
}

// kill ends the process at once and waits for it. Its children are left to
// notice: PostgreSQL's do, and clean up better than a signal would let them.
func (c *child) kill() {
	c.signal(syscall.SIGKILL)
	<-c.done
}

// failure says how the process ended, after done.
func (c *child) failure() error {
	if c.err == nil {
		return errors.New("exit status 0")
	}
	return c.err
}
