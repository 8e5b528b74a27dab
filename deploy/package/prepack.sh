#!/usr/bin/env bash
# Before "npm pack" takes the files: builds the program, and puts a manifest in place that asks for no
# package, since the program has the packages of the lock file in it: whoever installs it gets what was
# tested, and asks no registry. postpack.sh brings the clone's own manifest back.
set -euo pipefail
cd "$(dirname "$0")/../.."

deploy/package/postpack.sh # what an interrupted run has left
npm run -s build
cp package.json package.json.clone
npm pkg delete scripts dependencies devDependencies overrides allowScripts
