package pgserver

import (
	"errors"
	"io"
	"os"
	"strings"
)

const (
	maxLog  = 8 << 20 // bytes; a bigger one becomes postgres.log.1 at the next start
	maxTail = 4 << 10 // bytes of it that an error carries
)

// serverLog is the open log file and where this run begins in it.
type serverLog struct {
	*os.File
	begin int64
}

// openLog opens the log for appending.
func (h *home) openLog() (*serverLog, error) {
	if info, err := os.Lstat(h.logFile()); err == nil && info.Size() > maxLog {
		if err := os.Rename(h.logFile(), h.logFile()+".1"); err != nil {
			return nil, err
		}
	}
	f, err := h.create(h.logFile(), os.O_RDWR|os.O_APPEND)
	if err != nil {
		return nil, err
	}
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &serverLog{File: f, begin: end}, nil
}

// tail returns the last that the server wrote in this run.
func (l *serverLog) tail() string {
	end, err := l.Seek(0, io.SeekEnd)
	if err != nil {
		return ""
	}
	from := max(l.begin, end-maxTail)
	text := make([]byte, end-from)
	n, _ := l.ReadAt(text, from) // a shorter read is a shorter tail
	return strings.TrimSpace(string(text[:n]))
}
