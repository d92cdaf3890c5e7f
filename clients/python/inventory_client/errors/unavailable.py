"""Answers that decide nothing: the same request may be told something else a moment later."""

from inventory_client.errors.base import Problem, Unavailable


class StorageUnavailable(Problem, Unavailable):
    """The database did not answer in time; nothing was changed."""

    code = "storage_unavailable"
    unchanged = True


class Overloaded(Problem, Unavailable):
    """Too many requests were waiting; this one was not begun."""

    code = "overloaded"
    unchanged = True


class DatabaseNotReady(Problem, Unavailable):
    """The database cannot serve before an operator has done something; nothing was changed."""

    code = "database_not_ready"
    unchanged = True


class RateLimited(Problem, Unavailable):
    """This client has sent as many requests as it may; nothing was done.

    There is room for the next one in `retry_after_seconds`.
    """

    code = "rate_limited"
    unchanged = True


class RequestTimedOut(Problem, Unavailable):
    """The request's body did not reach the service in time; nothing was done."""

    code = "request_timeout"
    unchanged = True


class IdempotencyInProgress(Problem, Unavailable):
    """The first request with this key is still running."""

    code = "idempotency_in_progress"


class OutcomeUnknown(Problem, Unavailable):
    """The database broke off in the middle of the change: it was applied or not."""

    code = "outcome_unknown"


class ImportUnfinished(Problem, Unavailable):
    """The first `rows_done` rows are done, the others were not begun; the same key goes on."""

    code = "import_unfinished"

    rows_done: int


class ServerProblem(Problem, Unavailable):
    """The service failed in a way that it did not foresee, or a proxy before it gave up."""

    code = "internal_server_error"
