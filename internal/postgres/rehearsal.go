package postgres

// RehearsalValues are SQL expressions for columns of generated rows, by
// TABLE.COLUMN, where the usual value of a type would mean something else: people
// whose permission has ended cannot sign in.
func RehearsalValues() map[string]string {
	return map[string]string{
		"users.is_whitelisted":  "true",
		"users.whitelist_until": "NULL",
		"sessions.expires_at":   "now() + interval '7 days'",
	}
}
