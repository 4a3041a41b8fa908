package migrate

// Statements shows the scanner to the tests that compare it with the server.
func Statements(sql string) []string {
	var out []string
	for _, s := range scan(sql) {
		out = append(out, sql[s.start:s.end])
	}
	return out
}
