package pgserver

import (
	"errors"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// account is the unprivileged user whom root hands the server to.
type account struct {
	name     string
	uid, gid int
}

// serverAccount returns nil when we are not root: then the server runs as
// ourselves. PostgreSQL refuses to run as root.
func serverAccount() (*account, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.Atoi(u.Uid)
		gid, err2 := strconv.Atoi(u.Gid)
		if err1 == nil && err2 == nil && uid != 0 {
			return &account{name: name, uid: uid, gid: gid}, nil
		}
	}
	return nil, errors.New("PostgreSQL does not run as root, and there is no account named postgres or nobody; " +
		"run af-auth as an ordinary user, or add one (useradd --system postgres)")
}

// ownerOf returns who owns a file or folder, and false when there is none.
func ownerOf(path string) (account, bool) {
	info, err := os.Lstat(path)
	if err != nil {
		return account{}, false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return account{}, false
	}
	return account{name: "of user id " + strconv.Itoa(int(stat.Uid)), uid: int(stat.Uid), gid: int(stat.Gid)}, true
}

// orElse returns a, the owner of existing data, unless that is root or the very
// account that root uses.
func (a account) orElse(usual *account) *account {
	if a.uid == 0 || a.uid == usual.uid {
		return usual
	}
	return &a
}

func (a *account) credential() *syscall.Credential {
	// Groups stays empty: root's own must not go along.
	return &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)} // #nosec G115 -- ids are 32 bits wide
}
