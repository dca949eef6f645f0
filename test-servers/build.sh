#!/usr/bin/env bash
# Builds the real servers that tests run against: test-servers/build.sh [collector] [vault]. Needs Go; modules come from its proxy.
#
# Out: <cache>/<server>-<digest of its sources>/<server>, its path on stdout. Tests look there; what is there is not built again.
# On failure: a status other than 0, and nothing is left where tests look.
set -euo pipefail
export LC_ALL=C
here="$(cd "$(dirname "$0")" && pwd)"
cache="${XDG_CACHE_HOME:-$HOME/.cache}/multistorageclient-test"

for server in "${@:-collector}"; do
  digest="$(cat "$here/$server"/* | sha256sum | cut -c 1-16)"
  directory="$cache/$server-$digest"
  if [ ! -x "$directory/$server" ]; then
    echo "building $server" >&2
    mkdir -p "$directory"
    # Renamed when it is whole: a test never sees half of it.
    (cd "$here/$server" && CGO_ENABLED=0 nice -n 10 go build -trimpath -ldflags='-s -w' -o "$directory/$server.$$" . >&2)
    mv "$directory/$server.$$" "$directory/$server"
  fi
  echo "$directory/$server"
done
