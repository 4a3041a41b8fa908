package githubsim

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// User is a person with an account here.
type User struct {
	// ID is the account's number; 0 in AddUser means one made from the
	// login, above 100 million and the same each time.
	ID int64
	// Login is 1 to 39 letters, digits and single hyphens inside.
	Login string
	// Name is the display name, which may be empty.
	Name string
	// Emails are the person's addresses; nil means one, primary and verified,
	// LOGIN@example.com.
	Emails []Email
}

// Email is one address of a person.
type Email struct {
	Address           string
	Primary, Verified bool
}

// person is a User with what follows from having been here.
type person struct {
	User
	issued []int64 // Unix seconds of the tokens of the last hour
}

// loginForm is GitHub's rule for new logins.
var loginForm = regexp.MustCompile(`^[A-Za-z0-9](-?[A-Za-z0-9])*$`)

var (
	errLogin   = errors.New("a login is 1 to 39 letters, digits and single hyphens, and begins and ends with a letter or a digit")
	errTaken   = errors.New("this login is taken; choose another one")
	errUnknown = errors.New("nobody here has this login; add the person first")
	errName    = errors.New("a name is at most 100 characters")
)

func checkLogin(login string) error {
	if len(login) > 39 || !loginForm.MatchString(login) {
		return errLogin
	}
	return nil
}

// AddUser adds a person, or gives an existing one of the same login (in any
// case of letters) the name and the addresses of u. It returns the person.
func (s *Sim) AddUser(u User) (User, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, err := s.add(u)
	if err != nil {
		return User{}, err
	}
	return p.User, nil
}

func (s *Sim) add(u User) (*person, error) {
	if err := checkLogin(u.Login); err != nil {
		return nil, err
	}
	if len([]rune(u.Name)) > 100 {
		return nil, errName
	}
	if p := s.byLogin(u.Login); p != nil {
		if u.ID != 0 && u.ID != p.ID {
			return nil, fmt.Errorf("%s has the id %d: %w", p.Login, p.ID, errTaken)
		}
		if u.Name != "" {
			p.Name = u.Name
		}
		if u.Emails != nil {
			p.Emails = u.Emails
		}
		return p, nil
	}
	if u.ID == 0 {
		u.ID = s.freeID(u.Login)
	} else if s.byID(u.ID) != nil {
		return nil, fmt.Errorf("the id %d is taken; leave it out to get a free one", u.ID)
	}
	p := &person{User: u}
	s.people = append(s.people, p)
	return p, nil
}

// Rename gives the account another login. The old login is then free.
func (s *Sim) Rename(login, to string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rename(login, to)
}

func (s *Sim) rename(login, to string) error {
	p := s.byLogin(login)
	if p == nil {
		return errUnknown
	}
	if err := checkLogin(to); err != nil {
		return err
	}
	if q := s.byLogin(to); q != nil && q != p {
		return errTaken
	}
	p.Emails = p.addresses() // they do not follow the login
	p.Login = to
	return nil
}

// Reclaim lets somebody else have the login: the account that has it is
// renamed (LOGIN-1, or the next free number), and a new account with another
// id takes it. It returns the new account.
func (s *Sim) Reclaim(login string) (User, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reclaim(login)
}

func (s *Sim) reclaim(login string) (User, error) {
	old := s.byLogin(login)
	if old == nil {
		return User{}, errUnknown
	}
	login = old.Login
	for n := 1; ; n++ {
		suffix := fmt.Sprintf("-%d", n)
		to := strings.TrimSuffix(login[:min(len(login), 39-len(suffix))], "-") + suffix
		if s.byLogin(to) != nil {
			continue
		}
		if err := s.rename(login, to); err != nil {
			return User{}, err
		}
		break
	}
	p, err := s.add(User{Login: login, Name: "Somebody Else", Emails: []Email{{"else-" + login + "@example.com", true, true}}})
	if err != nil {
		return User{}, err
	}
	return p.User, nil
}

// RevokeGrant ends the person's authorisation of the app: all its tokens end.
func (s *Sim) RevokeGrant(login string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.revokeGrant(login)
}

func (s *Sim) revokeGrant(login string) error {
	p := s.byLogin(login)
	if p == nil {
		return errUnknown
	}
	s.endAll(p.ID)
	return nil
}

func (s *Sim) byLogin(login string) *person {
	for _, p := range s.people {
		if strings.EqualFold(p.Login, login) {
			return p
		}
	}
	return nil
}

func (s *Sim) byID(id int64) *person {
	for _, p := range s.people {
		if p.ID == id {
			return p
		}
	}
	return nil
}

// freeID is made from the login, so that the same person has the same id after
// a restart; where that id is taken (the login was re-claimed) the next one.
func (s *Sim) freeID(login string) int64 {
	sum := sha256.Sum256([]byte(strings.ToLower(login)))
	id := int64(100_000_001 + binary.BigEndian.Uint32(sum[:4])%800_000_000)
	for s.byID(id) != nil {
		id++
	}
	return id
}

// addresses are the person's e-mail addresses, the default one filled in, and
// the verified one that GitHub adds and that is nobody's mailbox.
func (u User) addresses() []Email {
	if u.Emails != nil {
		return u.Emails
	}
	return []Email{
		{strings.ToLower(u.Login) + "@example.com", true, true},
		{fmt.Sprintf("%d+%s@users.noreply.github.com", u.ID, u.Login), false, true},
	}
}

// verified says whether the primary address is.
func (u User) verified() bool {
	for _, e := range u.addresses() {
		if e.Primary && e.Verified {
			return true
		}
	}
	return false
}

// Initials are at most two capitals for a picture: of the name's first and
// last word, else of the login.
func (u User) Initials() string {
	words := strings.Fields(u.Name)
	if len(words) == 0 {
		words = []string{u.Login}
	}
	first := []rune(words[0])
	out := string(first[:1])
	if len(words) > 1 {
		out += string([]rune(words[len(words)-1])[:1])
	} else if len(first) > 1 {
		out += string(first[1:2])
	}
	return strings.ToUpper(out)
}
