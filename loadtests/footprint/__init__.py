"""What a shop takes: bytes of disk, oplog, backup and cache for a sale, memory for a worker.

    figures  what was measured, divided by how many there are; pure
    looking  how large collections, oplog, cache and processes are now
    run      a catalogue, sales by the service, a look before and after each

Uses the parts of `bench`; Linux only, and only with wrk.
"""
