#!/bin/sh
# Lays out a directory for nginx to run in: the configuration, and what differs from place to place.
#
#   deploy/nginx/configure.sh DIRECTORY; cd DIRECTORY; nginx -e stderr -p . -c nginx.conf
#
#   EDGE_API_SERVERS           instances of the api, address:port each, with spaces between
#   EDGE_LISTEN                where nginx listens (8080)
#   EDGE_HEALTH_LISTEN         where it says that it is alive (127.0.0.1:8081)
#   EDGE_MICROCACHE            on or off (on): reads of products may be a second or two old
#   EDGE_PURCHASES_BY_PRODUCT  on or off (off): all purchases of a product go to one instance
set -eu

directory=$1

switch() {
    case $2 in
        on | off) echo "set \$$1 $2;" ;;
        *) echo "$1 is '$2': say on or off" >&2 && exit 1 ;;
    esac
}

mkdir -p "$directory/temporary"
for file in nginx microcache reads problems; do
    cp "$(dirname "$0")/$file.conf" "$directory/"
done

microcache=$(switch microcache "${EDGE_MICROCACHE:-on}")
purchases=$(switch purchases_by_product "${EDGE_PURCHASES_BY_PRODUCT:-off}")
cat > "$directory/place.conf" <<END
listen ${EDGE_LISTEN:-8080};
$microcache
$purchases
END
echo "listen ${EDGE_HEALTH_LISTEN:-127.0.0.1:8081};" > "$directory/health.conf"
for server in $EDGE_API_SERVERS; do
    echo "server $server max_fails=3 fail_timeout=1s;"
done > "$directory/servers.conf"
