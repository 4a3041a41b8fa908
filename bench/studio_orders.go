package main

import (
	"context"
	"crypto/md5" // #nosec G501 -- what md5() of PostgreSQL says
	"encoding/hex"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
)

// orders is a database with a table of so many rows, as an application has it:
// about 170 bytes a row. Each of a twentieth as many customers, by whom they are
// indexed, has made 20.
type orders struct {
	crowd
	rows int
}

const ordersSQL = `CREATE TABLE customers (
    id bigint PRIMARY KEY,
    email text NOT NULL,
    joined_at timestamptz NOT NULL);
CREATE TABLE orders (
    id bigint PRIMARY KEY,
    customer_id bigint NOT NULL,
    email text NOT NULL,
    note text,
    amount bigint NOT NULL,
    placed_at timestamptz NOT NULL,
    changed_at timestamptz,
    paid boolean NOT NULL)`

// ordersIndexes come when all rows are there. The prefix filter of studio looks
// for lower(email) in collation C.
const ordersIndexes = `ALTER TABLE orders ADD FOREIGN KEY (customer_id) REFERENCES customers;
CREATE INDEX ON orders (customer_id);
CREATE INDEX ON orders (email);
CREATE INDEX ON orders (lower(email) COLLATE "C" text_pattern_ops);
CREATE INDEX ON orders (placed_at)`

// years is how long people have ordered, in seconds.
const years = 5 * 365 * 24 * 3600

// orders returns the database, which it makes when it is asked for the first time.
func (s *site) orders(ctx context.Context) (orders, error) {
	rows := s.size(1_000_000)
	if c, there := s.made["orders"]; there {
		return orders{c, rows}, nil
	}
	begun := time.Now()
	url, err := s.create(ctx, "orders")
	if err != nil {
		return orders{}, err
	}
	o := orders{crowd{url: url}, rows}
	customers := o.customers()
	err = o.with(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		for _, sql := range []string{"SET maintenance_work_mem = '512MB'", "SET synchronous_commit = off", ordersSQL,
			fmt.Sprintf(`INSERT INTO customers SELECT n, left(md5(n::text), 10) || '@example.com', timestamptz '2021-01-01 UTC' + n %% %d * interval '1 second'
FROM generate_series(1, %d) n`, years, customers),
			// Multiplied by a prime, times and customers are in no order that id has.
			fmt.Sprintf(`INSERT INTO orders SELECT n, c, left(md5(c::text), 10) || '@example.com',
    CASE WHEN n %% 5 > 0 THEN left('to be left with ' || md5(n::text) || md5(c::text), 20 + n %% 50) END, n::bigint * 7919 %% 250000,
    timestamptz '2021-01-01 UTC' + n::bigint * 1299709 %% %[1]d * interval '1 second' + n %% 1000000 * interval '1 microsecond',
    CASE WHEN n %% 3 = 0 THEN timestamptz '2021-01-01 UTC' + n::bigint * 15485863 %% %[1]d * interval '1 second' END, n %% 7 > 0
FROM (SELECT n, 1 + n::bigint * 104729 %% %[2]d AS c FROM generate_series(1, %[3]d) n) numbered`, years, customers, rows),
			ordersIndexes, "VACUUM ANALYZE", "CHECKPOINT"} {
			if _, err := conn.Exec(ctx, sql); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return orders{}, fmt.Errorf("filling orders: %w", err)
	}
	s.made["orders"] = o.crowd
	fmt.Fprintf(os.Stderr, "bench: %d orders were made in %s\n", rows, time.Since(begun).Round(100*time.Millisecond))
	return o, nil
}

func (o orders) customers() int { return max(o.rows/20, 1) }

// email is that of somebody.
func (o orders) email() string {
	sum := md5.Sum([]byte(strconv.Itoa(anyOf(o.customers())))) // #nosec G401 -- no secret
	return hex.EncodeToString(sum[:])[:10] + "@example.com"
}

// moment is one at which somebody may have ordered, as PostgreSQL writes it.
func (o orders) moment() string {
	return time.Date(2021, 1, 1, 0, 0, anyOf(years), 0, time.UTC).Format("2006-01-02 15:04:05+00")
}
