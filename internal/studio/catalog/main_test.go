package catalog_test

import (
	"os"
	"testing"

	"github.com/af-auth/af-auth/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }
