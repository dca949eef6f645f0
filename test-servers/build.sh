#!/usr/bin/env bash
# Gets the real servers that tests run against: test-servers/build.sh [collector] [vault] [prometheus].
#
# Out: <cache>/<server>-<digest of its sources>/<server>, its path on stdout. Tests look there; what is there is not built again.
# How each is had says its own file `build`. On failure: a status other than 0, and nothing is left where tests look.
set -euo pipefail
export LC_ALL=C
here="$(cd "$(dirname "$0")" && pwd)"
cache="${XDG_CACHE_HOME:-$HOME/.cache}/multistorageclient-test"

for server in "${@:-collector}"; do
  digest="$(cat "$here/$server"/* | sha256sum | cut -c 1-16)"
  directory="$cache/$server-$digest"
  if [ ! -x "$directory/$server" ]; then
    echo "building $server" >&2
    # Renamed when it is whole: a test never sees half of it.
    mkdir -p "$cache"
    whole="$(mktemp -d "$cache/$server.XXXXXX")"
    trap 'rm -rf "$whole"' EXIT
    (cd "$here/$server" && ./build "$whole" >&2)
    rm -rf "$directory"
    mv "$whole" "$directory"
  fi
  echo "$directory/$server"
done
