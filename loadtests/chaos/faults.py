"""Every fault: how it strikes, for how long, and what clients may notice of it."""

from dataclasses import dataclass

from loadtests.chaos.proxy import Manner
from loadtests.chaos.stack import DELIVERER, MONGOD, VALKEY, Topology
from loadtests.chaos.strikes import (
    STRACE,
    Strike,
    empty_cache,
    few_files,
    freeze,
    full_cache,
    full_disk,
    kill,
    kill_master,
    kill_worker,
    proxied,
    reload,
    restart,
    rubbish_in_cache,
    set_clock,
    slow_disk,
    step_down,
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to fail. `seconds` are the lengths to choose from.

    `silent` faults may not cost a single failed request. After any, a new purchase should succeed
    within `recovery_seconds`; the report tells how often it did.
    """

    name: str
    strike: Strike
    seconds: tuple[float, ...] = (0.0,)
    silent: bool = False
    recovery_seconds: float = 5.0
    topologies: tuple[str, ...] = (Topology.ONE, Topology.SET)
    # A program without which it cannot strike.
    needs: str | None = None


_SHORT, _LONG = (0.5, 1.0, 2.0), (1.0, 5.0, 35.0)
CLOCK, FAKETIME = "mongod's clock jumps", "faketime"
_ONE, _SET = (Topology.ONE,), (Topology.SET,)

FAULTS = (
    Fault("a worker is killed", kill_worker, (0.5,), recovery_seconds=2.0),
    Fault("a master is killed", kill_master, (0.5,), recovery_seconds=2.0),
    Fault("an instance reloads", reload, (2.0,), silent=True),
    Fault("an instance ends and starts", restart, (2.0,)),
    Fault("a worker freezes", freeze("worker"), _LONG),
    Fault("a master freezes", freeze("master"), _LONG),
    Fault("a worker may open few files", few_files, _SHORT),
    Fault("mongod is killed", kill(MONGOD), _SHORT, recovery_seconds=10.0, topologies=_ONE),
    Fault("mongod freezes", freeze(MONGOD), _LONG, recovery_seconds=10.0, topologies=_ONE),
    Fault("mongod's disk is slow", slow_disk, (2.0, 4.0), topologies=_ONE, needs=STRACE),
    Fault(
        "mongod's disk is full",
        full_disk,
        _SHORT,
        recovery_seconds=10.0,
        topologies=_ONE,
        needs=STRACE,
    ),
    Fault(
        CLOCK,
        set_clock,
        (3.0, 5.0),
        recovery_seconds=10.0,
        topologies=_ONE,
        needs=FAKETIME,
    ),
    Fault("mongod refuses", proxied(MONGOD, Manner.REFUSE), _SHORT, topologies=_ONE),
    Fault("mongod is silent", proxied(MONGOD, Manner.SILENT), (1.0, 4.0), topologies=_ONE),
    Fault(
        "mongod is far away",
        proxied(MONGOD, Manner.SLOW, (0.005, 0.05, 0.5)),
        (2.0,),
        topologies=_ONE,
    ),
    Fault("messages of mongod are cut", proxied(MONGOD, Manner.CUT), _SHORT, topologies=_ONE),
    Fault("answers of mongod are lost", proxied(MONGOD, Manner.SWALLOW), _SHORT, topologies=_ONE),
    Fault("the primary is killed", kill("primary"), (8.0,), topologies=_SET),
    Fault("the primary freezes", freeze("primary"), (1.0, 15.0), topologies=_SET),
    Fault("the primary steps down", step_down, (3.0,), topologies=_SET),
    Fault("a deliverer is killed", kill(DELIVERER), _SHORT, silent=True),
    # Longer than others leave it the right to derive events.
    Fault("a deliverer freezes", freeze(DELIVERER), (1.0, 15.0), silent=True),
    Fault("Redis is killed", kill(VALKEY), _SHORT, silent=True),
    Fault("Redis freezes", freeze(VALKEY), _LONG, silent=True),
    Fault("Redis forgets everything", empty_cache, (0.5,), silent=True),
    Fault("Redis is full", full_cache, (2.0,), silent=True),
    Fault("Redis holds rubbish", rubbish_in_cache, (0.5,), silent=True),
    Fault("Redis refuses", proxied(VALKEY, Manner.REFUSE), _SHORT, silent=True),
    Fault("Redis is silent", proxied(VALKEY, Manner.SILENT), (1.0, 4.0), silent=True),
    Fault("Redis is slow", proxied(VALKEY, Manner.SLOW, (0.01, 0.1, 0.2)), (2.0,), silent=True),
    Fault("messages of Redis are cut", proxied(VALKEY, Manner.CUT), _SHORT, silent=True),
    Fault("answers of Redis are rubbish", proxied(VALKEY, Manner.GARBLE), _SHORT, silent=True),
    Fault("answers of Redis are lost", proxied(VALKEY, Manner.SWALLOW), _SHORT, silent=True),
)
BY_NAME = {fault.name: fault for fault in FAULTS}
