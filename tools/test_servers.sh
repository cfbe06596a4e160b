#!/usr/bin/env bash
# Installs the servers that only tests need and that PyPI does not carry: RabbitMQ and InfluxDB, from Debian.
# Installs only as root and only what is missing; never starts a system service (tests start their own, on free ports).
set -euo pipefail

missing=()
[ -x /usr/lib/rabbitmq/bin/rabbitmq-server ] || missing+=(rabbitmq-server)
command -v influxd >/dev/null 2>&1 || [ -x /usr/sbin/influxd ] || missing+=(influxdb)
[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "tests need these servers: ${missing[*]}" >&2
    echo "install them as root, e.g. on Debian or Ubuntu: apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
fi

# Package scripts ask policy-rc.d before they start a service; 101 means no.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    trap 'rm -f "$policy"' EXIT
fi

log=$(mktemp)
echo "installing ${missing[*]} (a minute, once)"
if ! { DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get update -qq &&
    DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq -o DPkg::Lock::Timeout=120 --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    cat "$log" >&2
    echo "could not install ${missing[*]}; see above" >&2
    exit 1
fi
rm -f "$log"
