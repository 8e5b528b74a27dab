#!/usr/bin/env bash
# After "npm pack": the clone's own manifest is back.
set -euo pipefail
cd "$(dirname "$0")/../.."

if [[ -f package.json.clone ]]; then mv package.json.clone package.json; fi
