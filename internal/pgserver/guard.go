package pgserver

import (
	"io"
	"os/exec"
	"strconv"
	"syscall"
)

// guardScript waits for a line. The line means that the child has ended and all
// is well; the end of the pipe without one means that we were killed.
const guardScript = `read -r line || kill "-$1" "$2"`

// guard starts a small shell that ends the child when we are killed, for
// systems whose kernel does not. What it reads is a pipe whose other end is
// ours alone. It leads a process group of its own and so survives Ctrl-C.
func (c *child) guard(onDeath syscall.Signal) error {
	cmd := exec.Command("/bin/sh", "-c", guardScript, "sh", // #nosec G204 -- constant script, a number
		strconv.Itoa(int(onDeath)), strconv.Itoa(c.cmd.Process.Pid))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Env = environment()
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() {
		<-c.done
		_, _ = io.WriteString(pipe, "\n") // a guard that was killed cannot be told
		_ = pipe.Close()
		_ = cmd.Wait()
	}()
	return nil
}
