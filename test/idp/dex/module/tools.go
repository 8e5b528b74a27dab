//go:build tools

// Package tools names the program that test/idp/dex/build-command.ts builds, so that
// "go mod tidy" keeps what it needs.
package tools

import _ "github.com/dexidp/dex/cmd/dex"
