package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/af-auth/af-auth/internal/pgtest"
)

// TestMain makes this test binary af-auth itself wherever a test runs a program
// of that name.
func TestMain(m *testing.M) {
	testscript.Main(suite{m}, map[string]func(){"af-auth": main})
}

// suite ends the PostgreSQL of the tests before the process ends.
type suite struct{ m *testing.M }

// Run implements testscript.TestingM.
func (s suite) Run() int { return pgtest.Main(s.m) }
