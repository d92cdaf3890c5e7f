"""Where a webhook may lead: what its URL says, and which addresses may be connected to. No I/O.

An address is good if it is public, or in one of the networks that the operator named. All rules are
about what is allowed; what no rule knows is refused.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
)

from inventory import limits

Address = IPv4Address | IPv6Address
Networks = Sequence[IPv4Network | IPv6Network]

_PORTS = {"https": 443, "http": 80}
# No blank, no control character, nothing beyond ASCII, and nothing that two parsers read in two
# ways: a backslash, or a fragment, which is never sent.
_WRITTEN = re.compile(r"[!-~]+")
_UNSAFE = frozenset('\\#<>"^`{|}')
# No user, no password, no encoded characters, no zone of an IPv6 address.
_PLACE = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::([0-9]{1,5}))?")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_NAME_CHARACTERS_MAX = 253
# Names of the machine and the network that one is in (RFC 6761, RFC 6762, RFC 8375).
_INNER = frozenset({"localhost", "local", "internal", "arpa", "localdomain", "lan", "onion"})

# What IANA's registries of special purposes hold, in full, for older versions of Python know less.
# The last one is public by number only, and tells virtual machines of one provider their settings.
_SPECIAL_4 = tuple(
    map(
        IPv4Network,
        (
            *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
            *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16"),
            *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3"),
            "168.63.129.16/32",
        ),
    )
)
# Beyond the first, IPv6 is local, multicast, reserved or a relic.
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_SPECIAL_6 = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "3fff::/20")))
_NAT64 = IPv6Network("64:ff9b::/96")


class TargetRefused(ValueError):
    """A URL, or where it leads, is not allowed; the message says why, to whoever wrote it."""


@dataclass(frozen=True, slots=True)
class Target:
    """A URL taken apart. `host` is a name, or the address `address` as it is written."""

    scheme: str
    host: str
    port: int
    path: str
    address: Address | None

    @property
    def place(self) -> str:
        """Return host and port as the header `Host` says them."""
        host = f"[{self.host}]" if isinstance(self.address, IPv6Address) else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def parse(url: str, networks: Networks) -> Target:
    """Return what a URL says; raise `TargetRefused` where that alone is not allowed."""
    if len(url) > limits.WEBHOOK_URL_CHARACTERS_MAX:
        raise TargetRefused(f"A URL has at most {limits.WEBHOOK_URL_CHARACTERS_MAX} characters.")
    if not _WRITTEN.fullmatch(url) or _UNSAFE.intersection(url):
        raise TargetRefused(
            "A URL has no blanks, no fragment, and no characters but those of ASCII; write an "
            "international name in its form with xn--."
        )
    target = _taken_apart(url)
    if target.scheme == "http" and not networks:
        raise TargetRefused("Only https is allowed here.")
    if target.address is not None:
        check([target.address], target.scheme, networks)
    elif not networks and ("." not in target.host or target.host.split(".")[-1] in _INNER):
        raise TargetRefused("This name is not a public one.")
    return target


def _taken_apart(url: str) -> Target:
    scheme, separator, rest = url.partition("://")
    scheme = scheme.lower()
    if not separator or scheme not in _PORTS:
        raise TargetRefused("A URL begins with https://.")
    place = re.split(r"[/?]", rest, maxsplit=1)[0]
    found = _PLACE.fullmatch(place)
    if found is None:
        raise TargetRefused(
            "After https:// comes a name or an address, and a port if wanted; nothing else, and "
            "no user or password."
        )
    host, port = found[1].lower(), int(found[2] or _PORTS[scheme])
    if not 1 <= port <= 65_535:
        raise TargetRefused("There is no such port.")
    path = rest[len(place) :]
    path = path if path.startswith("/") else f"/{path}"
    return Target(scheme, host.strip("[]"), port, path, _address_in(host))


def _address_in(host: str) -> Address | None:
    """Return the address that a host is, None if it is a name; there is one spelling for IPv4."""
    try:
        if host.startswith("["):
            return IPv6Address(host[1:-1])
        if _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]):
            return IPv4Address(host)
    except ValueError:
        raise TargetRefused(
            "This is no address: write an IPv4 address as four decimal numbers, an IPv6 address in "
            "brackets."
        ) from None
    if len(host) > _NAME_CHARACTERS_MAX or not all(map(_LABEL.fullmatch, host.split("."))):
        raise TargetRefused("This is no name of a host.")
    return None


def check(addresses: Iterable[Address], scheme: str, networks: Networks) -> None:
    """Raise `TargetRefused` unless every one of the addresses may be connected to."""
    for address in addresses:
        if _is_within(address, networks):
            continue
        if not is_public(address):
            raise TargetRefused("This does not lead to a public address.")
        if scheme != "https":
            raise TargetRefused("To a public address only https is allowed.")


def _is_within(address: Address, networks: Networks) -> bool:
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return any((mapped or address) in network for network in networks)


def is_public(address: Address) -> bool:
    """Tell whether an address is one of the public internet, whatever is wrapped into it."""
    if isinstance(address, IPv4Address):
        return address.is_global and not any(address in network for network in _SPECIAL_4)
    if address.ipv4_mapped is not None:
        return is_public(address.ipv4_mapped)
    if address in _NAT64:
        return is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
    if address.sixtofour is not None:
        return is_public(address.sixtofour)
    special = any(address in network for network in _SPECIAL_6) or address.scope_id is not None
    return address in _GLOBAL_UNICAST and address.is_global and not special
