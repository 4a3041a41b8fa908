package postgres

import (
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/af-auth/af-auth"
)

// knowIDs makes a connection send IDs as their 16 bytes. Otherwise pgx takes
// them for what any driver.Valuer is, and sends text, by way of an error that it
// makes and throws away for each: of a list of uses that was most of the cost.
func knowIDs(conn *pgx.Conn) {
	m := conn.TypeMap()
	m.TryWrapEncodePlanFuncs = append([]pgtype.TryWrapEncodePlanFunc{wrapID}, m.TryWrapEncodePlanFuncs...)
	// Behind PgBouncer nobody asks the server for the types of arguments, and pgx
	// cannot guess that of a list of our own.
	m.RegisterDefaultPgType([]afauth.ID(nil), "_uuid")
}

func wrapID(value any) (plan pgtype.WrappedEncodePlanNextSetter, next any, ok bool) {
	id, ok := value.(afauth.ID)
	return &encodeID{}, pgtype.UUID{Bytes: id, Valid: ok}, ok
}

type encodeID struct{ next pgtype.EncodePlan }

func (p *encodeID) SetNext(next pgtype.EncodePlan) { p.next = next }

func (p *encodeID) Encode(value any, buf []byte) ([]byte, error) {
	id, ok := value.(afauth.ID)
	return p.next.Encode(pgtype.UUID{Bytes: id, Valid: ok}, buf)
}
