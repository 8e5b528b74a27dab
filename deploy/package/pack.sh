#!/usr/bin/env bash
# npm run pack: the installable program, rolecall-<version>.tgz, built from nothing; it has the packages of
# the lock file in it, so that whoever installs it gets what was tested, and asks no registry.
set -euo pipefail
cd "$(dirname "$0")/../.."
clone="$PWD"
stage="$(mktemp -d)"
trap 'rm -rf "$stage"' EXIT

npm run -s build
cp -r package.json .npmrc README.md LICENSE dist "$stage/"
cd "$stage"
npm pkg delete scripts dependencies devDependencies overrides
npm pack --loglevel=error --pack-destination "$clone"
