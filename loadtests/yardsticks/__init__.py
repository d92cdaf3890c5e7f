"""What the service is measured against: small Flask apps, served by the very same gunicorn.

    bare         Flask and nothing behind it; answers as large as the service's
    plain        the design that everybody writes first: a guarded `$inc`, no ledger
    transaction  the same with a ledger, in one transaction a purchase
    shop         what the last two have in common

Each is built by `create_app()` in the worker, from MONGO_URL and REDIS_URL (bare: BARE_ANSWERS).
The two with stores are as durable as the service: a majority, and its journal. Nothing of the
service's own code is in any of them, and none has its limits, its validation or its idempotency.
"""
