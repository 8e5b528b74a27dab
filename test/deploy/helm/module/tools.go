//go:build tools

// Package tools names the program that npm run helm:build builds, so that "go mod tidy"
// keeps what it needs.
package tools

import _ "helm.sh/helm/v4/cmd/helm"
