#!/usr/bin/env bash
# Where no registry is to be had: images under the names that the Dockerfile begins from, made of the
# same Debian release and of the Node.js that npm publishes. Not for use, but for building.
#   stand-ins.sh NODE_IMAGE BASE_IMAGE     with BUILDAH, the command and its storage options
set -euo pipefail

node_image="$1" base_image="$2"
# shellcheck disable=SC2153
read -r -a buildah <<< "$BUILDAH"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
release=trixie mirror=http://deb.debian.org/debian
certificates=/etc/ssl/certs/ca-certificates.crt

debootstrap --variant=minbase --include=libatomic1 "$release" "$work/debian" "$mirror" > "$work/log" 2>&1 || { tail -5 "$work/log"; exit 1; }

# From another folder: the project's .npmrc forbids the install script that brings the binary.
cd "$work"
node="$(npx -y -p node@26 node --print process.execPath)"
npm_folder="$(dirname "$(readlink -f "$(command -v npm)")")/.."

container="$("${buildah[@]}" from scratch)"
root="$("${buildah[@]}" mount "$container")"
cp -a "$work/debian/." "$root/"
install -D "$node" "$root/usr/local/bin/node"
mkdir -p "$root/usr/local/lib/node_modules" "$root/etc/ssl/certs"
cp -a "$npm_folder" "$root/usr/local/lib/node_modules/npm"
ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
# This machine's authorities: its registry may have one of its own.
cp "$certificates" "$root/etc/ssl/certs/ca-certificates.crt"
"${buildah[@]}" config --env NODE_EXTRA_CA_CERTS="$certificates" "$container"
"${buildah[@]}" umount "$container" > /dev/null
"${buildah[@]}" commit --quiet --rm "$container" "$node_image" > /dev/null

# What a program in C++ is linked to, without a shell: the packages that distroless/cc has.
container="$("${buildah[@]}" from scratch)"
root="$("${buildah[@]}" mount "$container")"
mkdir -p "$work/packages" "$root/tmp" "$root/etc/ssl/certs"
chroot "$work/debian" bash -c 'cd /tmp && apt-get download -qq base-files libc6 libgcc-s1 gcc-14-base libstdc++6 tzdata' > "$work/log" 2>&1 || { tail -5 "$work/log"; exit 1; }
for package in "$work"/debian/tmp/*.deb; do dpkg-deb -x "$package" "$root"; done
cp "$certificates" "$root/etc/ssl/certs/ca-certificates.crt"
printf 'root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n' > "$root/etc/passwd"
"${buildah[@]}" config --user 65532 --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
  --env SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt "$container"
"${buildah[@]}" umount "$container" > /dev/null
"${buildah[@]}" commit --quiet --rm "$container" "$base_image" > /dev/null
