//go:build !linux

package pgserver

import "syscall"

// kernelEndsChildren says that the kernel cannot do it: a guard is needed.
const kernelEndsChildren = false

func endWithParent(*syscall.SysProcAttr, syscall.Signal) {}
