"""What runs: stores behind proxies, two instances and deliverers, nginx; all restarted when dead.

Knows processes; not what is done to them, nor when.
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from inventory.local.binaries import find_mongod
from inventory.local.servers import (
    LOOPBACK,
    Server,
    free_port,
    mongod_url,
    spawn,
    start_mongod,
    start_valkey,
)
from inventory.repository.schema import prepare_database
from inventory.serving import PROJECT, deliverer_command, gunicorn_command
from inventory.settings import Settings
from loadtests import edge, replica_set, service
from loadtests.chaos.clock import Clock
from loadtests.chaos.proxy import Proxy
from loadtests.processes import children

INSTANCES, DELIVERERS = 2, 2
WORKERS = 2
CACHE_GB = 0.25
READY_SECONDS_MAX = 60.0
POLL_SECONDS = 0.05
MONGOD, VALKEY, DELIVERER = "mongod", "valkey", "deliverer"


class Topology(StrEnum):
    """One mongod behind a proxy, or three members that the driver finds by itself."""

    ONE = "one"
    SET = "set"


TOPOLOGIES = [str(topology) for topology in Topology]


@dataclass
class Place:
    """A server that is started again when it is gone, unless it is to stay away."""

    server: Server
    start: Callable[[], Server]
    held: bool = False

    def end(self) -> None:
        """Kill what runs here now, with all that it started; frozen ones hear nothing else."""
        self.server.kill()


@dataclass
class Stack:
    """Everything that runs. `front` is where clients go."""

    topology: str
    directory: Path
    mongo_url: str
    places: dict[str, Place]
    mongo_proxy: Proxy | None
    redis_proxy: Proxy
    # Of the one mongod; None where nothing can set it.
    clock: Clock | None = None
    front: str = ""
    restarts: list[str] = field(default_factory=list)

    @property
    def instances(self) -> list[str]:
        """Return the names of the instances."""
        return [name for name in self.places if name.startswith("instance")]

    @property
    def deliverers(self) -> list[str]:
        """Return the names of the processes that derive events."""
        return [name for name in self.places if name.startswith(DELIVERER)]

    @property
    def members(self) -> list[str]:
        """Return the names of all mongod."""
        return [name for name in self.places if name.startswith(MONGOD)]

    def pid(self, name: str) -> int:
        """Return the process that runs in a place now."""
        return self.places[name].server.pid

    def workers(self, instance: str) -> list[int]:
        """Return the processes that serve for an instance, the oldest first."""
        return children(self.pid(instance))

    def kill(self, name: str) -> None:
        """Kill a server with -9, and only it: workers of an instance notice by themselves."""
        with suppress(ProcessLookupError):
            os.kill(self.pid(name), signal.SIGKILL)

    def await_instances(self) -> None:
        """Wait until all instances serve again, for as long as a start may take."""
        deadline = time.monotonic() + READY_SECONDS_MAX
        while time.monotonic() < deadline:
            if all(map(self._serves, self.instances)):
                return
            time.sleep(POLL_SECONDS)

    def _serves(self, instance: str) -> bool:
        # For a moment the workers of a master that was killed still answer in its place.
        return bool(self.workers(instance)) and service.is_ready(self.places[instance].server.url)

    def elected_since(self, began: int) -> int | None:
        """Return when a primary that was elected since then could write, both in monotonic ns."""
        ports = [self.places[name].server.port for name in self.members]
        elected = replica_set.elected_at(ports) if self.topology == Topology.SET else None
        return elected if elected and elected > began else None

    def tend(self) -> None:
        """Start again what is gone and not to stay away, as an init system does."""
        for name, place in self.places.items():
            if place.server.has_ended() and not place.held:
                place.server = place.start()
                self.restarts.append(name)


@contextmanager
def running(
    topology: str, directory: Path, application: str, *, with_clock: bool = False
) -> Iterator[Stack]:
    """Start everything in an empty directory; stop all of it when the block ends.

    `application` is what gunicorn serves. `with_clock` gives a single mongod a clock that can be
    set, which costs it some microseconds a look.
    """
    with ExitStack() as stack:
        places: dict[str, Place] = {}
        clock = Clock(directory) if with_clock and topology == Topology.ONE else None
        mongo_proxy, mongo_url = _start_mongods(topology, directory, places, stack, clock)
        valkey_port = free_port()
        places[VALKEY] = _place(lambda: start_valkey(directory, valkey_port), stack)
        redis_proxy = Proxy(valkey_port)
        stack.callback(redis_proxy.close)
        environ = {
            "MONGO_URL": mongo_url,
            "REDIS_URL": f"redis://{LOOPBACK}:{redis_proxy.port}/0",
            "INVENTORY_TRUSTED_PROXIES": "1",
            "INVENTORY_AUTH": "off",
            "INVENTORY_WORKERS": str(WORKERS),
        }
        prepare_database(Settings.from_env(environ), wait_seconds=READY_SECONDS_MAX)
        for number in range(INSTANCES):
            places[f"instance-{number}"] = _instance(number, application, environ, directory, stack)
        for number in range(DELIVERERS):
            places[f"{DELIVERER}-{number}"] = _deliverer(number, environ, directory, stack)
        running = Stack(topology, directory, mongo_url, places, mongo_proxy, redis_proxy, clock)
        instances = [places[name].server for name in running.instances]
        for server in instances:
            _await_ready(server)
        front = edge.started(directory / "nginx", instances, {"EDGE_MICROCACHE": "off"})
        running.front = stack.enter_context(front).url
        stack.enter_context(_watched(running))
        yield running


def _start_mongods(
    topology: str,
    directory: Path,
    places: dict[str, Place],
    stack: ExitStack,
    clock: Clock | None,
) -> tuple[Proxy | None, str]:
    """Start one mongod behind a proxy, or a set; return the proxy and the service's URL."""
    if topology == Topology.SET:
        members, url = replica_set.start(directory, stack, CACHE_GB)
        for number, member in enumerate(members):
            own = member.log.parent if member.log else directory
            again = _mongod_starter(own, member.port)
            places[f"{MONGOD}-{number}"] = _adopted(member, again, stack)
        return None, url
    port = free_port()
    binary = clock.told_by(find_mongod(os.environ)) if clock else None
    places[MONGOD] = _place(_mongod_starter(directory, port, binary), stack)
    prepare_database(
        Settings(mongo_url=mongod_url(port)),
        wait_seconds=READY_SECONDS_MAX,
        initiate_replica_set=True,
    )
    proxy = Proxy(port)
    stack.callback(proxy.close)
    return proxy, f"mongodb://{LOOPBACK}:{proxy.port}/?directConnection=true"


def _mongod_starter(directory: Path, port: int, binary: Path | None = None) -> Callable[[], Server]:
    return lambda: start_mongod(directory, port, binary=binary, cache_gb=CACHE_GB)


def _instance(
    number: int,
    application: str,
    environ: Mapping[str, str],
    directory: Path,
    stack: ExitStack,
) -> Place:
    port, log = free_port(), directory / f"instance-{number}.log"
    own = {**os.environ, **environ, "PORT": str(port)}
    command = [*gunicorn_command()[:-1], application]

    def start() -> Server:
        with log.open("ab") as output:
            process = spawn(command, output=output, environ=own, directory=PROJECT)
        return Server(f"Instance {number}", f"http://{LOOPBACK}:{port}", port, process, log)

    return _place(start, stack)


def _deliverer(number: int, environ: Mapping[str, str], directory: Path, stack: ExitStack) -> Place:
    log = directory / f"deliverer-{number}.log"

    def start() -> Server:
        with log.open("ab") as output:
            process = spawn(
                deliverer_command(),
                output=output,
                environ={**os.environ, **environ},
                directory=PROJECT,
            )
        return Server(f"Deliverer {number}", "", 0, process, log)

    return _place(start, stack)


def _place(start: Callable[[], Server], stack: ExitStack) -> Place:
    return _adopted(start(), start, stack)


def _adopted(server: Server, start: Callable[[], Server], stack: ExitStack) -> Place:
    place = Place(server, start)
    stack.callback(place.end)
    return place


def _await_ready(server: Server) -> None:
    deadline = time.monotonic() + READY_SECONDS_MAX
    while not service.is_ready(server.url):
        if server.has_ended() or time.monotonic() > deadline:
            raise service.ServiceError(f"{server.name} is not ready ({server.last_words()}).")
        time.sleep(POLL_SECONDS)


@contextmanager
def _watched(stack: Stack) -> Iterator[None]:
    over = threading.Event()

    def watch() -> None:
        while not over.wait(POLL_SECONDS):
            # A port can still be taken for a moment by workers whose master is gone.
            with suppress(Exception):
                stack.tend()

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    try:
        yield
    finally:
        over.set()
        watching.join()
