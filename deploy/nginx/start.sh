#!/bin/sh
# Starts nginx when the api can be found, and reloads it when the api has moved.
#
# nginx looks up the names of an upstream once, when it reads its configuration. A container that is made
# anew may get another address, and a scaled service has several. The free nginx of older versions can
# look a name up again only without kept-alive upstream connections, and those are worth more than the
# few seconds that pass here. A reload drops no request.
set -eu

config=/etc/nginx/inventory/nginx.conf
seconds=${RESOLVE_SECONDS:-3}

addresses() {
    getent ahosts api | cut -d ' ' -f 1 | sort -u
}

until known=$(addresses) && [ -n "$known" ]; do
    echo "waiting for the name \"api\" to resolve" >&2
    sleep 1
done

# No address at all means that the api is being replaced: the old ones stay until there are new ones.
while sleep "$seconds"; do
    found=$(addresses)
    if [ -n "$found" ] && [ "$found" != "$known" ]; then
        nginx -e stderr -c "$config" -s reload && known=$found
    fi
done &

exec nginx -e stderr -c "$config"
