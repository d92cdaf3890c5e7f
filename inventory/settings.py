"""What an operator may change: environment variables in, one frozen `Settings` out.

What the processes around the service read of the environment is in `serving.py` and `local`.
Knows no Flask, no MongoDB, no Redis.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

PREFIX = "INVENTORY_"
# As browsers write it: no path, no capitals, no port that goes without saying.
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9a-f:]+\](:[0-9]{1,5})?")
Network = IPv4Network | IPv6Network
# Loopback, what nobody routes, and what hosting services give to their own proxies.
PRIVATE_NETWORKS = (
    "127.0.0.0/8,::1/128,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,100.64.0.0/10,fc00::/7"
)
AUTH_ON, AUTH_OFF, AUTH_OFF_AND_REACHABLE = "on", "off", "off-and-reachable"


class SettingsError(Exception):
    """The environment holds values that the service cannot run with; all are in the message."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("Bad settings:\n" + "\n".join(f"  {problem}" for problem in problems))


def _networks(text: str) -> tuple[Network, ...]:
    try:
        return tuple(ip_network(one.strip()) for one in text.split(","))
    except ValueError:
        raise ValueError("say addresses or networks such as 10.0.0.0/8") from None


def _option(default: Any, variable: str, doc: str, *choices: str, least: int | None = None) -> Any:
    metadata = {"variable": variable, "doc": doc, "choices": choices, "least": least}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that may differ between two deployments of the same code."""

    mongo_url: str = _option(
        "mongodb://127.0.0.1:27017/?replicaSet=rs0",
        "MONGO_URL",
        "MongoDB replica set that holds the truth; unset, `make run` starts one",
    )
    mongo_database: str = _option("inventory", "INVENTORY_MONGO_DATABASE", "Database name")
    mongo_pool_size: int = _option(
        32, "INVENTORY_MONGO_POOL_SIZE", "MongoDB connections a worker at most", least=1
    )
    redis_url: str = _option(
        "redis://127.0.0.1:6379/0",
        "REDIS_URL",
        "Redis or Valkey that speeds up reads; `off` runs without; unset, `make run` starts one",
    )
    redis_pool_size: int = _option(
        32, "INVENTORY_REDIS_POOL_SIZE", "Redis connections a worker at most", least=1
    )
    require_idempotency_key: bool = _option(
        False,
        "INVENTORY_REQUIRE_IDEMPOTENCY_KEY",
        "`on` refuses stock changes without an Idempotency-Key (400)",
    )
    log_level: str = _option(
        "info",
        "INVENTORY_LOG_LEVEL",
        "Least level that is logged",
        "debug",
        "info",
        "warning",
        "error",
    )
    tracing: bool = _option(
        False,
        "INVENTORY_TRACING",
        "`on` sends traces where the `OTEL_...` variables of OpenTelemetry say; needs what "
        "`requirements-tracing.txt` names",
    )
    auth: str = _option(
        AUTH_OFF,
        "INVENTORY_AUTH",
        "Whether requests need an API key: `on`; `off`, on loopback only; or `off-and-reachable`. "
        "Unset, it is `on` where others can reach the service: with another `INVENTORY_HOST` than "
        "loopback, or with trusted proxies",
        AUTH_ON,
        AUTH_OFF,
        AUTH_OFF_AND_REACHABLE,
    )
    public_reads: bool = _option(
        False,
        "INVENTORY_PUBLIC_READS",
        "`on` lets products be read without an API key",
    )
    cors_origins: frozenset[str] = _option(
        frozenset(),
        "INVENTORY_CORS_ORIGINS",
        "Whose pages may ask, such as `https://shop.example`; several with commas; unset, none",
    )
    trusted_proxies: int = _option(
        0,
        "INVENTORY_TRUSTED_PROXIES",
        "How many proxies in front may set X-Forwarded-For, -Proto and -Host",
        least=0,
    )
    rate_per_key: int = _option(
        0,
        "INVENTORY_RATE_PER_KEY",
        "Requests a minute that one API key may send; 0: no limit",
        least=0,
    )
    rate_per_address: int = _option(
        0,
        "INVENTORY_RATE_PER_ADDRESS",
        "Requests a minute that may come from one client address; 0: no limit",
        least=0,
    )
    purchase_rate_per_key: int = _option(
        0,
        "INVENTORY_PURCHASE_RATE_PER_KEY",
        "Purchases, carts and reservations a minute with one API key; 0: no limit",
        least=0,
    )
    purchase_rate_per_address: int = _option(
        0,
        "INVENTORY_PURCHASE_RATE_PER_ADDRESS",
        "Purchases, carts and reservations a minute from one client address; 0: no limit",
        least=0,
    )
    failed_login_rate: int = _option(
        20,
        "INVENTORY_FAILED_LOGIN_RATE",
        "Wrong API keys a minute from one client address; 0: no limit",
        least=0,
    )

    proxy_networks: tuple[Network, ...] = _option(
        _networks(PRIVATE_NETWORKS),
        "INVENTORY_PROXY_NETWORKS",
        "Where these proxies are: addresses or networks, with commas between them",
    )
    webhook_networks: tuple[Network, ...] = _option(
        (),
        "INVENTORY_WEBHOOK_NETWORKS",
        "Networks beside the internet that webhooks may be in, with commas between them; in these "
        "http will do. Unset, none",
    )

    @property
    def authenticates(self) -> bool:
        """Tell whether requests need an API key."""
        return self.auth == AUTH_ON

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        """Read the settings; raise `SettingsError` naming every bad variable at once."""
        values: dict[str, Any] = {}
        problems: list[str] = []
        for option in fields(cls):
            text = environ.get(option.metadata["variable"])
            if not text:
                continue
            try:
                values[option.name] = _parse(text, option.type, option.metadata)
            except ValueError as error:
                problems.append(f"{option.metadata['variable']}={text!r}: {error}")
        if "auth" not in values and _is_reachable(environ, values.get("trusted_proxies", 0)):
            values["auth"] = AUTH_ON
        known = {option.metadata["variable"] for option in fields(cls)} | OUTSIDE_VARIABLES.keys()
        problems += [
            f"{name}: no such setting"
            for name in sorted(environ)
            if name.startswith(PREFIX) and name not in known
        ]
        if problems:
            raise SettingsError(problems)
        return cls(**values)


# Read by the process that starts the service, not by the service: name -> (default, meaning).
OUTSIDE_VARIABLES: dict[str, tuple[str, str]] = {
    "PORT": ("8000", "Port that the service listens on"),
    "INVENTORY_HOST": ("127.0.0.1", "Address that the service listens on"),
    "INVENTORY_WORKERS": ("number of cores, 2 to 8", "gunicorn worker processes"),
    "INVENTORY_WORKER_CLASS": ("gevent", "gunicorn worker class: `gevent` or `gthread`"),
    "INVENTORY_API_KEY": ("none", "API key that `demo` and the load tests send"),
    "INVENTORY_THREADS": ("16", "Threads a worker, with `gthread`"),
    "INVENTORY_CONNECTIONS": ("2048", "Client connections a worker at most"),
    "INVENTORY_LOCAL_DIR": (".local", "Where `make run` keeps its data"),
    "MONGOD_BIN": ("searched for", "mongod that `make run` starts"),
    "VALKEY_BIN": ("searched for", "Valkey or Redis server that `make run` starts"),
}


def _origin(text: str) -> str:
    if not _ORIGIN.fullmatch(text):
        raise ValueError("say origins such as https://shop.example, with commas between them")
    return text


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches what listens at `host`."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_reachable(environ: Mapping[str, str], trusted_proxies: int) -> bool:
    host = environ.get("INVENTORY_HOST") or OUTSIDE_VARIABLES["INVENTORY_HOST"][0]
    return trusted_proxies > 0 or not is_loopback(host)


def _parse(text: str, kind: object, metadata: Mapping[str, Any]) -> Any:
    if kind in (bool, "bool"):
        if text.lower() not in ("on", "off"):
            raise ValueError("say on or off")
        return text.lower() == "on"
    if kind == tuple[Network, ...]:
        return _networks(text)
    if kind == frozenset[str]:
        return frozenset(_origin(one.strip()) for one in text.split(","))
    if kind in (int, "int"):
        number = int(text) if text.lstrip("-").isdecimal() else None
        if number is None or number < metadata["least"]:
            raise ValueError(f"say a whole number, {metadata['least']} or more")
        return number
    if metadata["choices"] and text not in metadata["choices"]:
        raise ValueError("say one of " + ", ".join(metadata["choices"]))
    return text
