#!/usr/bin/env bash
# npm run pack: the installable program, rolecall-<version>.tgz, built from nothing and with the packages
# of the lock file in it, so that whoever installs it gets what was tested, and asks no registry.
# (npm takes no lock file and no overrides from a package that it installs.)
set -euo pipefail
cd "$(dirname "$0")/../.."
clone="$PWD"
stage="$(mktemp -d)"
trap 'rm -rf "$stage"' EXIT

rm -rf dist
npm run -s build
cp -r package.json package-lock.json .npmrc README.md LICENSE dist "$stage/"
cd "$stage"
npm ci --omit=dev --loglevel=error
npm pkg delete scripts devDependencies overrides
npm pkg set bundleDependencies=true --json
npm pack --loglevel=error --pack-destination "$clone"
