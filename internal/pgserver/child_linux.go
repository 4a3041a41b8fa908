package pgserver

import "syscall"

// kernelEndsChildren says that endWithParent is enough.
const kernelEndsChildren = true

// endWithParent asks the kernel to signal the child when its parent ends,
// PR_SET_PDEATHSIG in prctl(2).
func endWithParent(attr *syscall.SysProcAttr, sig syscall.Signal) { attr.Pdeathsig = sig }
