package main

import "context"

// runSignIn measures the database work of a sign-in, and what the gate asks of
// the database.
func runSignIn(ctx context.Context, s *site) error {
	c, err := s.large(ctx)
	if err != nil {
		return err
	}
	w, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer w.close()
	same, err := s.pgbench(c, "sign-in", signInScript())
	if err != nil {
		return err
	}
	got, err := contest(ctx, s.length, rate(w.signIn), rate(w.signInBare), rate(w.signInPlain), same.rate)
	if err != nil {
		return err
	}
	title("Sign-in: %s people, %d clients", thousands(c.people), clients)
	comparisonHead()
	row("sign-in", "the same statement in a loop of bare pgx", got[0], got[1], perSecond, "≥ 0.90")
	row("sign-in", "the same writes in a transaction of bare pgx", got[0], got[2], perSecond, "")
	row("sign-in", "the same statement by pgbench", got[0], got[3], perSecond, "≥ 0.70")
	return nil
}

// runGate measures what the gate asks of the database.
func runGate(ctx context.Context, s *site) error {
	c, err := s.large(ctx)
	if err != nil {
		return err
	}
	w, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer w.close()
	got, err := contest(ctx, s.length, rate(w.check), rate(w.checkPlain))
	if err != nil {
		return err
	}
	title("Gate without memory: %s people, %d clients", thousands(c.people), clients)
	comparisonHead()
	row("gate check by the database", "one row by its key with bare pgx, two columns", got[0], got[1], perSecond, "")
	return nil
}
