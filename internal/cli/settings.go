package cli

import (
	"github.com/af-auth/af-auth/internal/config"
)

// settings reads the settings for showing them: unlike load it hands them back
// beside their faults.
func (e *Env) settings(overrides map[string]string) (*config.Config, error) {
	return config.Load(config.Options{Environ: e.Environ, Dir: e.Dir, File: e.ConfigFile, Overrides: overrides})
}
