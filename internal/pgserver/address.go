package pgserver

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

const (
	superuser = "postgres"
	// socketPort names the socket file (.s.PGSQL.5432) of a server without TCP.
	socketPort = 5432
)

// Address is where a private server is reached, and with which password.
type Address struct {
	socket   string // folder of the Unix socket
	port     int    // of the socket's name, and of TCP when there is any
	tcp      bool
	password string
}

// URL returns the superuser's URL of a database, over the Unix socket and with
// the password in it:
//
//	postgres://postgres:PASSWORD@/DATABASE?host=FOLDER&port=PORT
//
// Both pgx and libpq's tools (psql, pg_dump) take it.
func (a Address) URL(database string) string {
	u := a.base(database)
	// Neither pgx nor libpq reads "+" as a blank.
	folder := strings.ReplaceAll(url.QueryEscape(a.socket), "+", "%20")
	u.RawQuery = "host=" + folder + "&port=" + strconv.Itoa(a.port)
	return u.String()
}

// TCPURL returns the superuser's URL of a database over 127.0.0.1, or "" when
// the server has no TCP port.
func (a Address) TCPURL(database string) string {
	if !a.tcp {
		return ""
	}
	u := a.base(database)
	u.Host = "127.0.0.1:" + strconv.Itoa(a.port)
	u.RawQuery = "sslmode=disable" // the private server has no certificate
	return u.String()
}

// String names the socket and keeps the password out of logs.
func (a Address) String() string {
	return fmt.Sprintf("postgres at %s, port %d", a.socket, a.port)
}

func (a Address) base(database string) url.URL {
	return url.URL{Scheme: "postgres", User: url.UserPassword(superuser, a.password), Path: "/" + database}
}

// ping proves that the server lets us in with the password that we hand out.
func (a Address) ping(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, a.URL(superuser))
	if err != nil {
		return fmt.Errorf("postgres runs but does not let us in: %w", err)
	}
	return conn.Close(ctx)
}
