package signin

import (
	"time"

	"github.com/af-auth/af-auth"
)

// notice says whom this browser was last told about, so that a refused page can
// speak to somebody who has no session. It gives no access to anything.
type notice struct {
	User afauth.ID `json:"u"`
	At   time.Time `json:"at"`
}

const (
	purposeNotice = "notice"
	// NoticeLife is how long a browser is remembered in this way.
	NoticeLife = 24 * time.Hour
)

// SealNotice makes the value for the browser to keep.
func (f *Flow) SealNotice(user afauth.ID) (string, error) {
	return f.sealer.seal(purposeNotice, notice{User: user, At: f.DB.Now()})
}

// OpenNotice returns whom the browser was told about, if it is known.
func (f *Flow) OpenNotice(sealed string) (afauth.ID, bool) {
	var n notice
	if err := f.sealer.open(purposeNotice, sealed, &n); err != nil || f.DB.Now().Sub(n.At) > NoticeLife {
		return afauth.ID{}, false
	}
	return n.User, true
}
