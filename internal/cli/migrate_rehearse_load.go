package cli

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/migrate/rehearse"
	"github.com/af-auth/af-auth/internal/pgurl"
	"github.com/af-auth/af-auth/internal/postgres"
)

// rehearsalHost is the host for which people sign in.
const rehearsalHost = "auth.example.com"

// people is how many people there will be in a rehearsal.
func people(o rehearse.Options) int64 {
	for _, rows := range []map[string]int64{o.Rows, o.Sizes} {
		if n, set := rows["users"]; set {
			return n
		}
	}
	return o.DefaultRows
}

// signIns is the load beside af-auth's own migrations: somebody signs in, mostly
// one who was there before, and passes the gate.
func signIns(p *project, rate int, people int64) *rehearse.Load {
	return &rehearse.Load{
		Name: "sign-ins, each with a look-up at the gate", Rate: rate,
		Open: func(ctx context.Context, address string) (func(context.Context) error, func(), error) {
			url, err := pgurl.Parse(address)
			if err != nil {
				return nil, nil, err
			}
			db, err := postgres.Open(ctx, postgres.Options{
				Dialer:  dialer(p.settings, url, "af-auth rehearse", p.env.quiet()),
				PoolMin: rehearse.DefaultClients, PoolMax: rehearse.DefaultClients, Wait: time.Minute,
			})
			if err != nil {
				return nil, nil, err
			}
			operate := func(ctx context.Context) error { return signInAndPass(ctx, db, people) }
			if err := operate(ctx); err != nil && ctx.Err() == nil {
				db.Close()
				return nil, nil, fmt.Errorf("%w: this release cannot sign anybody in there: %w", rehearse.ErrUnfit, err)
			}
			return operate, db.Close, nil
		},
	}
}

func signInAndPass(ctx context.Context, db *postgres.DB, people int64) error {
	who := 1 + rand.Int64N(people+people/10+10) // #nosec G404 -- picks whom to measure
	token := afauth.NewToken().Hash()
	_, err := db.SignIn(ctx, postgres.SignIn{
		GitHubID: who, Login: fmt.Sprintf("person-%d", who), Name: "Some Body", Session: token,
		Host: rehearsalHost, MaxAge: 7 * 24 * time.Hour, UserAgent: "af-auth rehearse", Address: "192.0.2.1",
	})
	if err != nil {
		return err
	}
	_, err = db.FindSession(ctx, token, rehearsalHost, 24*time.Hour)
	return err
}
