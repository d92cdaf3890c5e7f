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
#   EDGE_SALES_AT_ONCE         purchases, carts and holds that one instance has at once (128)
set -eu

# The largest limit that nginx takes.
NGINX_MAX=65535
directory=$1

switch() {
    case $3 in
        on | off) echo "set \$$1 $3;" ;;
        *) echo "$2 is '$3': say on or off" >&2 && exit 1 ;;
    esac
}

number() {
    case $2 in
        '' | *[!0-9]* | 0* | ?????*) echo "$1 is '$2': say a number from 1 to 9999" >&2 && exit 1 ;;
        *) echo "$2" ;;
    esac
}

mkdir -p "$directory/temporary"
for file in nginx microcache reads problems; do
    cp "$(dirname "$0")/$file.conf" "$directory/"
done

microcache=$(switch microcache EDGE_MICROCACHE "${EDGE_MICROCACHE:-on}")
purchases=$(switch purchases_by_product EDGE_PURCHASES_BY_PRODUCT "${EDGE_PURCHASES_BY_PRODUCT:-off}")
sales=$(number EDGE_SALES_AT_ONCE "${EDGE_SALES_AT_ONCE:-128}")
cat > "$directory/place.conf" <<END
listen ${EDGE_LISTEN:-8080};
$microcache
$purchases
END
echo "listen ${EDGE_HEALTH_LISTEN:-127.0.0.1:8081};" > "$directory/health.conf"
# A worker that dies breaks all its connections at once, and leaves others that serve: so many failures are
# not yet a whole instance. One that is gone refuses connections, and costs nobody an answer meanwhile.
for server in $EDGE_API_SERVERS; do
    echo "server $server max_fails=16 fail_timeout=1s;"
done > "$directory/servers.conf"
# More than the instances can answer soon are refused here, for a tenth of what it would cost there. A place
# with a limit of its own has none of its server's, so that by address is said once more.
# shellcheck disable=SC2086 # one word each
set -- $EDGE_API_SERVERS
sales=$((sales * $#))
cat > "$directory/sales.conf" <<END
limit_conn per_client 256;
limit_conn sales $((sales > NGINX_MAX ? NGINX_MAX : sales));
limit_conn_status 503;
END
