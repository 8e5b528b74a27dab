#!/usr/bin/env bash
# npm run image:check: builds the image twice from nothing and compares the layers; then runs it as its
# user, with a read-only root, and says its size and how long it takes to be ready. Needs buildah, root
# and the images that the Dockerfile begins from; with --stand-ins these are made here (stand-ins.sh).
set -euo pipefail
cd "$(dirname "$0")/../../.."

storage="$(mktemp -d)"
image='' process='' mounted=''
finish() {
  if [[ -n $process ]]; then
    kill "$process" 2> /dev/null || true
    wait "$process" || true
  fi
  [[ -z $mounted ]] || umount "$mounted" || true
  [[ -z $image ]] || "${buildah[@]}" umount --all > /dev/null 2>&1 || true
  rm -rf --one-file-system "$storage"
}
trap finish EXIT
export BUILDAH="buildah --root $storage/root --runroot $storage/run --storage-driver vfs"
read -r -a buildah <<< "$BUILDAH"
say() { printf '%-28s %s\n' "$1" "$2"; }

if [[ ${1:-} == --stand-ins ]]; then
  arguments="$(grep -oE '^ARG (NODE|BASE)_IMAGE=\S+' Dockerfile | cut -d= -f2)"
  mapfile -t images <<< "$arguments"
  test/deploy/image/stand-ins.sh "${images[@]}"
fi

# What is built is the same both times, whoever works here meanwhile.
mkdir "$storage/context"
cp -a --parents Dockerfile .dockerignore package.json package-lock.json .npmrc tsconfig.json src deploy/package "$storage/context/"

build() {
  "${buildah[@]}" bud --quiet --pull=missing --isolation chroot --network host --no-cache --timestamp 0 --format oci --tag "$1" "$storage/context" > "$storage/$1.log" 2>&1 ||
    { tail -20 "$storage/$1.log"; exit 1; }
}
layers() { "${buildah[@]}" inspect --type image --format '{{range .OCIv1.RootFS.DiffIDs}}{{println .}}{{end}}' "$1"; }

began=$SECONDS
build first
say 'built in' "$((SECONDS - began)) s"
build second
if [[ "$(layers first)" != "$(layers second)" ]]; then
  echo 'the two builds differ:' && diff <(layers first) <(layers second)
  exit 1
fi
say 'two builds' "the same $(layers first | wc -l) layers, the last $(layers first | grep . | tail -1)"

image="$("${buildah[@]}" from first)"
root="$("${buildah[@]}" mount "$image")"
say 'size, MB' "$(du -sm "$root" | cut -f1)"
say 'of it ours, MB' "$(du -sm "$root/app" | cut -f1)"
for program in bin/sh bin/bash usr/bin/env usr/bin/apt-get; do
  [[ ! -e $root/$program ]] || { echo "there is a $program"; exit 1; }
done
say 'shell, env, package manager' 'none'
written="$(find "$root/app" "$root/usr/local" -perm /022 ! -type l | head -3)"
[[ -z $written ]] || { echo "writable for others: $written"; exit 1; }

# As the kubelet runs it: its user, its command, a root that cannot be written.
user="$("${buildah[@]}" inspect --type image --format '{{.OCIv1.Config.User}}' first)"
say user "$user"
mounted="$storage/read-only"
mkdir "$mounted"
mount --bind "$root" "$mounted"
mount -o remount,bind,ro "$mounted"
mkdir -p "$storage/config"
say version "$(chroot --userspec="$user" "$mounted" /usr/local/bin/rolecall --version)"
ports=()
for _ in 1 2; do
  ports+=("$(node --eval 'const s = require("node:net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close() })')")
done
environment=(NODE_ENV=production ROLECALL__LISTEN="127.0.0.1:${ports[0]}" ROLECALL__ADMIN_LISTEN="127.0.0.1:${ports[1]}")
started="$(date +%s%3N)"
env -i PATH=/usr/local/bin "${environment[@]}" "$(command -v chroot)" --userspec="$user" "$mounted" /usr/local/bin/rolecall serve \
  --tenant 11111111-2222-4333-8444-555555555555 --upstream http://127.0.0.1:9/mcp > "$storage/serve.log" 2>&1 &
process=$!
until curl --silent --fail --output /dev/null "http://127.0.0.1:${ports[1]}/livez"; do
  kill -0 "$process" 2> /dev/null || { cat "$storage/serve.log"; exit 1; }
  sleep 0.02
done
say 'alive after, ms' "$(($(date +%s%3N) - started))"
say 'memory, MB' "$(($(awk '/VmRSS/ {print $2}' "/proc/$process/status") / 1024))"
status="$(curl --silent --output /dev/null --write-out '%{http_code}' --request POST "http://localhost:${ports[0]}/mcp")"
[[ $status == 401 || $status == 503 ]] || { echo "without a token: $status"; exit 1; }
say 'without a token' "$status"
kill "$process"
wait "$process"
process=''
say 'ended by SIGTERM with' 0
