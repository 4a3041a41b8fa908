# make help lists the targets. Go, git and make are all that must be there:
# setup installs the rest where it may, and says what to run where it may not.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

# PKG narrows test, soak and nothing else: make test PKG=./internal/gate
PKG ?= ./...
# TESTFLAGS are handed to go test: make test TESTFLAGS='-run SignIn -v'
TESTFLAGS ?=
# ARGS are handed to the program: make run ARGS='--port 0'
ARGS ?=
# NAME is the name of a migration: make migration NAME=add_team
NAME ?=

# A tree without git, commits or tags still builds, as "dev".
VERSION ?= $(shell test -e .git && git describe --tags --always --dirty 2>/dev/null || echo dev)

# One PostgreSQL for all test binaries, kept in memory, for as long as the
# command after it runs. The race detector needs cgo.
WITH_POSTGRES = CGO_ENABLED=1 go run -buildvcs=false ./internal/pgtest/run
GO_TEST = go test -race -buildvcs=false

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' Makefile

.PHONY: setup
setup: ## install what running and testing need
	@sh scripts/setup.sh run
	@sh scripts/setup.sh test

.PHONY: run
run: ## everything it needs, then the whole product, clickable (ARGS=…)
	@sh scripts/setup.sh run
	@$(MAKE) build
	@exec bin/af-auth dev $(ARGS)

.PHONY: test
test: ## everything it needs, then every test (PKG=… TESTFLAGS=…)
	@sh scripts/setup.sh test
	$(WITH_POSTGRES) $(GO_TEST) -timeout 15m $(TESTFLAGS) $(PKG)

.PHONY: check
check: ## format, vet, staticcheck, gosec, govulncheck, squawk, import floors, stale files
	@sh scripts/check.sh

.PHONY: bench
bench: ## measure the gate, sign-in, import, lists and studio; ARGS=-full: migrations too, and all at full size
	@sh scripts/setup.sh run
	@$(MAKE) build
	@test -x bin/goose || CGO_ENABLED=0 go build -C tools/goose -buildvcs=false -tags '$(ONLY_POSTGRES)' -o '$(CURDIR)/bin/goose' \
		github.com/pressly/goose/v3/cmd/goose || echo 'bench: goose cannot be built here; its lines are left out'
	go run -buildvcs=false ./bench $(ARGS)

# goose without the drivers of other databases: a third of its size, as one who
# cares for its speed would build it.
ONLY_POSTGRES = no_clickhouse no_libsql no_mssql no_mysql no_sqlite3 no_vertica no_ydb

.PHONY: soak
soak: ## the long counts of the tests named Soak (PKG=…)
	@sh scripts/setup.sh test
	SOAK=1 $(WITH_POSTGRES) $(GO_TEST) -run Soak -timeout 60m $(TESTFLAGS) $(PKG)

.PHONY: generate
generate: ## write generated code and documents anew (FORCE=1: fresh code too)
	@FORCE='$(FORCE)' sh scripts/generate.sh

.PHONY: db-generate
db-generate: generate ## the same as generate

.PHONY: db-migrate
db-migrate: build ## apply the migrations, as in production (ARGS=…)
	@bin/af-auth db migrate deploy --yes$(if $(ARGS), $(ARGS))

.PHONY: db-migrate-dev
db-migrate-dev: build ## apply what is pending, in development; NAME=… writes a migration first
	@bin/af-auth db migrate dev$(if $(NAME), --name '$(NAME)')$(if $(ARGS), $(ARGS))

.PHONY: migration
migration: ## write a new migration without applying it (NAME=…)
	@test -n '$(NAME)' || { echo 'make: a migration needs a name' >&2; echo 'hint: make migration NAME=add_team' >&2; exit 2; }
	@$(MAKE) build
	@bin/af-auth db migrate dev --create-only --name '$(NAME)'$(if $(ARGS), $(ARGS))

.PHONY: db-studio
db-studio: build ## see the database in a browser (ARGS=…)
	@exec bin/af-auth db studio $(ARGS)

.PHONY: build
build: ## build bin/af-auth
	@test -e bin/af-auth || echo 'building bin/af-auth; the first time takes a minute or two'
	@CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags '-X main.version=$(VERSION)' -o bin/af-auth ./cmd/af-auth

.PHONY: clean
clean: ## take away what was built; the data in .af-auth stays
	rm -rf bin
