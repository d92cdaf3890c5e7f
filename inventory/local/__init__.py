"""One-command start: an embedded mongod and Valkey, and the service in front of them.

For development and tests on one machine; containers use `python -m inventory serve`. Knows
processes, ports and the command line of the three servers, but nothing of products or HTTP
beyond `/readyz`. Nothing inside the service imports this package.

    binaries     where mongod and Valkey are found
    servers      starting, watching and stopping one server process
    directory    the data directory: its lock, and the ports it remembers
    replica_set  the replica set follows its mongod to another port
    supervisor   all of it together, from the first check to the last child's end
"""


class LocalError(Exception):
    """An expected problem; the message is a sentence that says what to do."""
