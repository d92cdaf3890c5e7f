"""How often a client may ask: whose request counts where, what is refused, and what clients hear.

Who a client is was found out before; here is only its id. Where no limit is set, nothing is done.
"""

import threading
import time
from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

from flask import Flask, Response, g, request

from inventory import limits
from inventory.api.problems import RateLimited
from inventory.cache.rates import Limit, Rates, Standing
from inventory.domain.keys import Principal
from inventory.settings import Settings

LIMIT: Final = "X-RateLimit-Limit"
REMAINING: Final = "X-RateLimit-Remaining"
RESET: Final = "X-RateLimit-Reset"
HEADERS: Final = (LIMIT, REMAINING, RESET)


class RequestRates:
    """The limits that a deployment has set; `refused` hears of every request beyond one."""

    def __init__(self, settings: Settings, rates: Rates, refused: Callable[[], None]) -> None:
        self._rates = rates
        self._refused = refused
        by_key = Limit("key", settings.rate_per_key)
        by_address = Limit("address", settings.rate_per_address)
        # Of requests that take stock there may be fewer; they count among all as well.
        buys_by_key = Limit("purchases-key", settings.purchase_rate_per_key)
        buys_by_address = Limit("purchases-address", settings.purchase_rate_per_address)
        self._by_key = {False: _set(by_key), True: _set(by_key, buys_by_key)}
        self._by_address = {False: _set(by_address), True: _set(by_address, buys_by_address)}
        self._failures = _set(Limit("failures", settings.failed_login_rate))
        self._spare = _Spare()
        self.limits_requests = bool(self._by_key[True] or self._by_address[True])

    def admit(self, principal: Principal, *, takes_stock: bool) -> None:
        """Count this request for the client whose key it came with, if any, and for its address.

        Of a secret key the address says nothing: a shop's server sends for all shoppers. Raises
        `RateLimited`, having counted nothing, if one of the limits has no room for it.
        """
        wanted = []
        if principal.key_id is not None:
            wanted = [(limit, principal.id) for limit in self._by_key[takes_stock]]
        by_address = self._by_address[takes_stock]
        if by_address and not principal.has_secret_key:
            client = _client()
            wanted += [(limit, client) for limit in by_address]
        if not wanted:
            return
        standing = g.standing = self._rates.spend(wanted)
        self._require(standing)

    def require_few_failures(self) -> None:
        """Raise `RateLimited` if too many keys from this address have been wrong lately.

        A few a second are looked at all the same, whoever sends them: clients that share an address
        with one that guesses must not be shut out by it.
        """
        for limit in self._failures:
            standing = self._rates.look(limit, _client())
            if standing.admitted or not self._spare.take():
                self._require(standing)

    def failed(self) -> None:
        """Count a key that was wrong, against the address that it came from.

        Raises `RateLimited` if it was one too many, whichever process has met the others.
        """
        for limit in self._failures:
            self._require(self._rates.spend([(limit, _client())]))

    def _require(self, standing: Standing) -> None:
        if not standing.admitted:
            self._refused()
            raise RateLimited(standing.limit, standing.retry_after_seconds)


class _Spare:
    """So many a second, in this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._second = 0
        self._taken = 0

    def take(self) -> bool:
        """Take one of this second, if there is one left."""
        with self._lock:
            second = int(time.monotonic())
            if second != self._second:
                self._second, self._taken = second, 0
            self._taken += 1
            return self._taken <= limits.SPARE_LOOKS_A_SECOND


def register(app: Flask, rates: RequestRates) -> None:
    """Let answers say how the client stands, if there is a limit of requests."""
    if rates.limits_requests:
        app.after_request(_tell)


def _tell(response: Response) -> Response:
    standing: Standing | None = g.get("standing")
    if standing is not None:
        add = response.headers.add
        add(LIMIT, str(standing.limit))
        add(REMAINING, str(standing.remaining))
        add(RESET, str(standing.reset_seconds))
    return response


def _set(*several: Limit) -> tuple[Limit, ...]:
    return tuple(limit for limit in several if 0 < limit.per_minute <= limits.RATE_MAX)


def _client() -> str:
    """Return what this request's address counts as."""
    address: str = request.environ.get("REMOTE_ADDR") or ""
    return network_of(address[: limits.RATE_ADDRESS_CHARACTERS_MAX])


@lru_cache(maxsize=limits.RATE_TALLIES_MAX)
def network_of(address: str) -> str:
    """Return what an address counts as: one of IPv4 for itself, one of IPv6 for its network.

    Some proxies write a port behind it. What is no address at all counts as it is written.
    """
    for text in (address, address.rpartition(":")[0].strip("[]"), address.strip("[]")):
        try:
            found = ip_address(text.partition("%")[0])
        except ValueError:
            continue
        if not isinstance(found, IPv6Address):
            return str(found)
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ip_network((int(found), limits.RATE_IPV6_BITS), strict=False))
    return address
