"""A power cut under mongod: whatever was never synced is gone. Is what was acknowledged there?

    disk        a file system in a file: mounted, cut off, and mounted again as it would be found
    freezing    stopping all threads of a process where they are
    buyers      clients that buy, alone and in carts, and remember what they were told
    undurable   the control: the service, acknowledging before the journal
    figures     what was told against what is on record; pure
    run         all of it, with the journal and without

Linux only, and only as root: it mounts.
"""
