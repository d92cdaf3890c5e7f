"""Limits that depend on each other fit each other."""

from inventory import limits


def test_sizes() -> None:
    """Whatever is good fits into what carries it."""
    # A cursor holds a name in UTF-8, in base64, beside an id.
    assert limits.NAME_SORT_CHARACTERS_MAX * 4 * 4 / 3 + 100 < limits.CURSOR_CHARACTERS_MAX
    assert limits.PAGE_SIZE_DEFAULT <= limits.PAGE_SIZE_MAX
    assert limits.CART_LINES_MAX <= limits.GROUP_LINES_MAX
    # The largest bodies that are good: a cart, a product.
    assert limits.CART_LINES_MAX * 3 + 20 < limits.JSON_VALUES_MAX
    assert limits.TAGS_MAX + limits.ATTRIBUTES_MAX + 20 < limits.JSON_VALUES_MAX
    assert limits.PROBLEMS_ANSWERED_MAX <= limits.PROBLEMS_KEPT_MAX
    assert limits.GROUP_OPERATIONS_MAX + limits.TAIL_TRIM_ENTRIES <= limits.TAIL_ENTRIES_MAX
    assert len(limits.WEBHOOK_RETRY_SECONDS) < limits.WEBHOOK_ATTEMPTS_KEPT


def test_numbers() -> None:
    """No sum of what is allowed leaves the numbers that every client can hold."""
    assert limits.QUANTITY_MAX <= limits.DELTA_MAX <= limits.STOCK_MAX
    most = limits.STOCK_INITIAL_MAX + limits.OVERSELL_LIMIT_MAX
    assert most <= limits.STOCK_MAX < 2**53


def test_times() -> None:
    """Whoever waits for somebody waits for longer than that one may take."""
    assert limits.REDIS_TIMEOUT_SECONDS < limits.MONGO_TIMEOUT_SECONDS
    assert limits.CHECK_REQUEST_SECONDS < limits.MONGO_TIMEOUT_SECONDS
    assert limits.MONGO_TIMEOUT_SECONDS < limits.REQUEST_SECONDS_MAX
    ending = limits.LEAD_ANSWER_SECONDS + limits.LEAD_FINISH_SECONDS
    assert ending < limits.LEAD_SECONDS_MIN < limits.MONGO_TIMEOUT_SECONDS
    assert limits.REQUEST_SECONDS_MAX < limits.PROXY_TIMEOUT_SECONDS
    assert limits.PROXY_TIMEOUT_SECONDS < limits.WORKER_TIMEOUT_SECONDS
    assert limits.IMPORT_BATCH_SECONDS_MAX < limits.IMPORT_CLAIM_SECONDS
    assert limits.IMPORT_CLAIM_SECONDS < limits.IMPORT_SECONDS_MAX < limits.WORKER_TIMEOUT_SECONDS
    assert limits.RESERVATION_TTL_SECONDS_MAX <= limits.RESERVATION_LIFE_SECONDS_MAX
    assert limits.RATE_INTRODUCTION_SECONDS * 2 < limits.RATE_PROCESS_SECONDS
    assert limits.KEY_KNOWN_SECONDS < 1.0 < limits.KEY_TRUSTED_SECONDS


def test_leases() -> None:
    """Whoever holds something and works renews it in time, and nobody outlasts what it holds."""
    kept = (limits.CARD_TTL_SECONDS, limits.STOCK_TTL_SECONDS, limits.ABSENT_TTL_SECONDS)
    assert min(kept) > 2 * limits.PUBLISH_AGE_SECONDS_MAX
    assert limits.FEED_WAIT_SECONDS < limits.MONGO_TIMEOUT_SECONDS < limits.FEED_OPEN_SECONDS
    assert limits.FEED_OPEN_SECONDS < limits.FEED_LEASE_SECONDS
    round_seconds = limits.FEED_WAIT_SECONDS + limits.MONGO_TIMEOUT_SECONDS
    assert limits.FEED_RENEW_SECONDS + round_seconds < limits.FEED_LEASE_SECONDS
    assert limits.WEBHOOK_CONNECT_SECONDS < limits.WEBHOOK_SEND_SECONDS
    around = limits.WEBHOOK_LEASE_MARGIN_SECONDS + 2 * limits.WEBHOOK_ROUND_SECONDS
    assert limits.WEBHOOK_SEND_SECONDS + around < limits.WEBHOOK_LEASE_SECONDS
    tick_seconds = limits.REHEARSAL_TICK_SECONDS + 2 * limits.MONGO_TIMEOUT_SECONDS
    assert tick_seconds < limits.REHEARSAL_LEASE_SECONDS
