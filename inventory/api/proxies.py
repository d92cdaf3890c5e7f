"""Who may say on whose behalf a request comes: the proxies that an operator has named."""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import ip_address
from typing import TYPE_CHECKING

from werkzeug.middleware.proxy_fix import ProxyFix

from inventory.settings import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class NamedProxies:
    """WSGI middleware that believes X-Forwarded-For, -Proto and -Host of named proxies alone.

    Whoever else connects is the client, whatever the headers say.
    """

    def __init__(self, app: "WSGIApplication", settings: Settings) -> None:
        hops, networks = settings.trusted_proxies, settings.proxy_networks
        self._app = app
        self._told = ProxyFix(app, x_for=hops, x_proto=hops, x_host=hops)

        @lru_cache(maxsize=256)
        def is_named(address: str) -> bool:
            try:
                parsed = ip_address(address)
            except ValueError:
                # A socket file: only this machine, and only who may open it.
                return not address
            return any(parsed in network for network in networks)

        self._is_named = is_named

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Pass the request on, with the client's own address where a named proxy tells it."""
        named = self._is_named(environ.get("REMOTE_ADDR", ""))
        return (self._told if named else self._app)(environ, start_response)
