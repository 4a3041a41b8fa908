package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
)

// child is a server that plays a role, as seen from here.
type child struct {
	report // its last
	cmd    *exec.Cmd
	in     io.WriteCloser
	orders *json.Encoder
	out    *json.Decoder
}

// startChild starts this program again in a role, and waits until it serves.
func startChild(r role) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &child{cmd: exec.Command(self, roleCommand)} // #nosec G204 -- this program
	c.cmd.Stderr = os.Stderr
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	c.orders, c.out = json.NewEncoder(c.in), json.NewDecoder(out)
	if err := c.ask(r); err != nil {
		c.end()
		return nil, fmt.Errorf("the server %q: %w", r.Name, err)
	}
	return c, nil
}

// ask sends an order and takes the report.
func (c *child) ask(order any) error {
	if err := c.orders.Encode(order); err != nil {
		return err
	}
	return c.out.Decode(&c.report)
}

func (c *child) end() {
	_ = c.in.Close()
	_ = c.cmd.Wait()
}
