"""The design that everybody writes first, as a yardstick: small, and with the same durability.

A guarded `$inc` for each request and two deletes in the cache. No ledger, no idempotency, no
limits of time. It is served by the same gunicorn from the same servers; nothing of the service's
own code is in it.
"""
