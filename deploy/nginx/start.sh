#!/bin/sh
# Starts nginx when the api can be found, and reloads it when the api has moved.
#
# nginx looks up names once, when it reads its configuration. A container that is made anew may get another
# address, and a scaled service has several. The free nginx of older versions can look a name up again only
# without kept-alive upstream connections, and those are worth more than the few seconds that pass here. A
# reload drops no request. The addresses are looked up here and not by nginx also because it would send all
# purchases of all products round the addresses of one name, where each product is to have its own.
set -eu

here=$(dirname "$0")
directory=/tmp/nginx
names=${EDGE_API_SERVERS:-api:8000}
seconds=${RESOLVE_SECONDS:-3}

# Those of one name as far as they are known; the others' as well.
addresses() {
    for name in $names; do
        getent ahosts "${name%:*}" | cut -d ' ' -f 1 | sort -u | while read -r address; do
            case $address in
                *:*) echo "[$address]:${name##*:}" ;;
                *) echo "$address:${name##*:}" ;;
            esac
        done
    done
}

configure() {
    EDGE_API_SERVERS=$1 sh "$here/configure.sh" "$directory"
}

until known=$(addresses) && [ -n "$known" ]; do
    echo "waiting for \"$names\" to resolve" >&2
    sleep 1
done
configure "$known"
cd "$directory"
# Left behind by one that was killed.
rm -f reads.sock

# No address at all means that the api is being replaced: the old ones stay until there are new ones.
while sleep "$seconds"; do
    found=$(addresses)
    if [ -n "$found" ] && [ "$found" != "$known" ]; then
        configure "$found" && nginx -e stderr -p . -c nginx.conf -s reload && known=$found
    fi
done &

exec nginx -e stderr -p . -c nginx.conf
