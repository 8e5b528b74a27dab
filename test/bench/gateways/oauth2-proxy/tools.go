//go:build tools

// Package tools names the program that test/bench/gateways/oauth2-proxy.ts builds, so that
// "go mod tidy" keeps what it needs.
package tools

import _ "github.com/oauth2-proxy/oauth2-proxy/v7"
