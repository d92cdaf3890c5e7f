"""A stock API for storefronts: what can be bought, by whom it is held, and where every unit went.

The way of a request, and of every import, goes in one direction:

    api -> services -> stock -> repository -> MongoDB
     |
     +-> cache -> Redis

`domain`, `errors` and `limits` are imported by all and import none of the others. `repository`
alone knows PyMongo, `cache` alone knows Redis, `api` alone knows Flask and HTTP, and `app` alone
builds clients and wires them together. `cli`, `serving`, `worker` and `local` start the service
from the outside and are imported by no one inside; `bookkeeping` opens the books without it.
`measuring` says where those metrics come from that nobody counts, `overview` what is seen of all.
`presenters` says what everything looks like to clients, be it answered, exported or sent.
`events` reads the ledger as a process of its own, beside the service, and `webhooks` sends what it
finds there to whoever subscribed. `tracing` watches from outside, where that is wanted; nobody
inside knows it.
"""

__version__ = "0.1.0"
