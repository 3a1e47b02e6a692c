#!/bin/sh
# A base with Debian's Python, made of packages, for machines that reach no registry of images: base.sh NAME FILE BUILDAH...
set -eu
name=$1 file=$2
shift 2
if "$@" inspect --type image "$name" >/dev/null 2>&1; then exit 0; fi
[ -s "$file" ] || mmdebstrap --variant=minbase \
    --include=python3,python3-venv,python-is-python3,ca-certificates trixie "$file"
container=$("$@" from scratch)
"$@" add --quiet "$container" "$file" /
"$@" commit --quiet "$container" "$name"
"$@" rm "$container" >/dev/null
