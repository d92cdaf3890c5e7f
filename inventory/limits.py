"""Every bound of the service, with its unit in the name.

Imported by all, imports nobody. A number that limits a client, a queue, a document or a wait lives
here; what an operator may change lives in `settings.py`.
"""

from typing import Final

# --- the numbers of stock -------------------------------------------------------------------------
STOCK_INITIAL_MAX: Final = 10**9
QUANTITY_MAX: Final = 10**6
DELTA_MAX: Final = 10**9
OVERSELL_LIMIT_MAX: Final = 10**9
# However often it is raised: far from the end of an int64, and exact in JavaScript.
STOCK_MAX: Final = 10**12
WINDOW_SECONDS_MAX: Final = 366 * 86_400
CART_LINES_MAX: Final = 100
RESERVATION_TTL_SECONDS_MAX: Final = 86_400
# However often it is extended.
RESERVATION_LIFE_SECONDS_MAX: Final = 7 * 86_400
COUNT_AGE_SECONDS_MAX: Final = 86_400

# --- text and documents ---------------------------------------------------------------------------
NAME_CHARACTERS_MAX: Final = 200
NAME_SORT_CHARACTERS_MAX: Final = 100
DESCRIPTION_CHARACTERS_MAX: Final = 10_000
SKU_CHARACTERS_MAX: Final = 64
TAGS_MAX: Final = 50
TAG_CHARACTERS_MAX: Final = 64
ATTRIBUTES_MAX: Final = 100
ATTRIBUTE_NAME_CHARACTERS_MAX: Final = 64
ATTRIBUTE_TEXT_CHARACTERS_MAX: Final = 1_000
ATTRIBUTE_DIGITS_MAX: Final = 15
REFERENCE_CHARACTERS_MAX: Final = 200
NOTE_CHARACTERS_MAX: Final = 1_000
CUSTOMER_ID_CHARACTERS_MAX: Final = 200
REASON_CHARACTERS_MAX: Final = 64
SEARCH_WORDS_MAX: Final = 400
SEARCH_WORD_CHARACTERS_MAX: Final = 40
PRICE_DIGITS_MAX: Final = 12
PRICE_MAX: Final = 10**PRICE_DIGITS_MAX
DECIMAL_PLACES_MAX: Final = 12

# --- requests -------------------------------------------------------------------------------------
BODY_BYTES_MAX: Final = 64 * 1024
# A cart has three levels and three hundred values; what has more than this is meant to cost.
JSON_NESTING_MAX: Final = 8
JSON_VALUES_MAX: Final = 1_000
# What has not come by then is not waited for; a proxy in front sends whole bodies at once.
BODY_SECONDS_MAX: Final = 5.0
PAGE_SIZE_DEFAULT: Final = 20
PAGE_SIZE_MAX: Final = 100
IDS_MAX: Final = 100
# So many are asked at once whether they are in stock, to fill a page; so many low ones are named.
STOCK_BATCH_PRODUCTS: Final = 100
LOW_PRODUCTS_MAX: Final = 2_000
QUERY_CHARACTERS_MAX: Final = 200
QUERY_WORDS_MAX: Final = 8
CURSOR_CHARACTERS_MAX: Final = 1_024
IDEMPOTENCY_KEY_CHARACTERS_MAX: Final = 255
REQUEST_ID_CHARACTERS_MAX: Final = 128

# --- imports and exports --------------------------------------------------------------------------
# The one route with bodies of this size; so much of one is held in memory, the rest on disk.
IMPORT_PATH: Final = "/api/products/bulk"
EXPORT_PATH: Final = "/api/products/export"
IMPORT_BYTES_MAX: Final = 16 * 1024 * 1024
IMPORT_MEMORY_BYTES: Final = 256 * 1024
IMPORT_BODY_SECONDS_MAX: Final = 15.0
IMPORT_ROWS_MAX: Final = 25_000
# One transaction; products whose stock it changes cannot be sold while it lasts.
IMPORT_BATCH_ROWS: Final = 100
IMPORT_BATCH_BYTES: Final = 1024 * 1024
IMPORT_BATCH_SECONDS_MAX: Final = 5.0
# After so long no batch is begun; for so long a batch keeps others from the same key.
IMPORT_SECONDS_MAX: Final = 20.0
IMPORT_CLAIM_SECONDS: Final = 10.0
# After so many rows whoever waits has a turn: a row is checked in some 100 us.
IMPORT_TURN_ROWS: Final = 16
IMPORTS_WORKING_MAX: Final = 2
EXPORTS_WORKING_MAX: Final = 4
EXPORT_BATCH_PRODUCTS: Final = 250
EXPORT_SECONDS_MAX: Final = 900.0
# How many faults of one row, or of the names of columns, are told, and how much of a name.
FAULTS_TOLD_MAX: Final = 20
FAULT_NAME_CHARACTERS_MAX: Final = 100

# --- time: Redis < MongoDB < request < proxy < worker ---------------------------------------------
REDIS_TIMEOUT_SECONDS: Final = 0.05
# The driver looks for a server in steps of half a second, so it may take that much longer.
MONGO_TIMEOUT_SECONDS: Final = 1.4
# No answer comes later than half a second after this.
REQUEST_SECONDS_MAX: Final = 1.6
# What may pass before a change is begun; of more than that its time is made shorter.
PREPARING_SECONDS_FREE: Final = 0.3
PROXY_TIMEOUT_SECONDS: Final = 3.0
WORKER_TIMEOUT_SECONDS: Final = 30
RETRY_AFTER_SECONDS: Final = 1
# So long before its deadline a leader asks MongoDB nothing more: the driver may take its step
# longer, and then there is an answer to be sent. Of what is left, this much is for refusals.
LEAD_ANSWER_SECONDS: Final = 0.2
LEAD_FINISH_SECONDS: Final = 0.1
# Whoever has less left than this does not begin to write for others.
LEAD_SECONDS_MIN: Final = 0.4
SERVER_SELECTION_TIMEOUT_SECONDS: Final = 1.2
POOL_WAIT_SECONDS: Final = 1.0

# --- the stock engine -----------------------------------------------------------------------------
GROUP_OPERATIONS_MAX: Final = 64
# A cart counts as many as it has lines, so that a transaction stays short.
GROUP_LINES_MAX: Final = 256
QUEUE_OPERATIONS_MAX: Final = 512
# Requests that one process works on at once; of more, listings are refused first, changes last.
WORKING_LISTINGS_MAX: Final = 64
WORKING_READS_MAX: Final = 80
WORKING_CHANGES_MAX: Final = 96
TAIL_ENTRIES_MAX: Final = 256
TAIL_TRIM_ENTRIES: Final = 128
# An entry that nobody archived for so long was left behind by a process that died.
TAIL_STALE_SECONDS: Final = 5.0
SWEEP_INTERVAL_SECONDS: Final = 2.0
# How long a process that ends tries to send what it has traced.
TRACES_FLUSH_SECONDS_MAX: Final = 3.0
SWEEP_PRODUCTS_MAX: Final = 100
# A void stays this long: no update that was under way before it can outlast it.
VOID_KEEP_SECONDS: Final = 60.0
OPERATION_KEEP_SECONDS: Final = 48 * 3_600
CLOCK_REFRESH_SECONDS: Final = 1.0
# Whose clock is ahead by no more than this and asks for now, shall be told what is now.
CLOCK_SKEW_SECONDS_MAX: Final = 1.0

# --- checks of the books -------------------------------------------------------------------------
# One moment is read for so many products; what is read is judged so many rows at a time.
CHECK_PRODUCTS: Final = 2_000
CHECK_ROWS: Final = 1_000
# While MongoDB looks over one span, what it found in the one before is looked at here.
CHECK_THREADS: Final = 2
# If more products of a span are suspect, it is quicker to examine them all at once.
CHECK_SINGLY_MAX: Final = 20
# For so long MongoDB keeps the past (`minSnapshotHistoryWindowInSeconds`).
SNAPSHOT_SECONDS_MAX: Final = 300.0
# A check by HTTP begins nothing after so long; it reads fewer products at a time, to see the end.
CHECK_REQUEST_SECONDS: Final = 1.0
CHECK_REQUEST_PRODUCTS: Final = 50
# However many there are, so many are told, and so many are kept for a person at a terminal.
PROBLEMS_ANSWERED_MAX: Final = 100
PROBLEMS_KEPT_MAX: Final = 10_000

# --- the cache ------------------------------------------------------------------------------------
CARD_TTL_SECONDS: Final = 300
# Long, because every sale replaces it and the sweeper makes up for who died before it could.
STOCK_TTL_SECONDS: Final = 300
# That there is no such product. Nobody can create one under an id that was asked for before.
ABSENT_TTL_SECONDS: Final = 15
LIST_TTL_SECONDS: Final = 60
GENERATION_TTL_SECONDS: Final = 3_600
# A value read from the database longer ago than this may not enter the cache any more.
PUBLISH_AGE_SECONDS_MAX: Final = 3.0
# One process loads a value that many miss; the others look again now and then, but not for long.
LEASE_SECONDS: Final = 1.0
LEASE_WAIT_SECONDS_MAX: Final = 0.2
LEASE_POLL_SECONDS: Final = 0.005
BREAKER_FAILURES: Final = 3
BREAKER_OPEN_SECONDS: Final = 1.0
REDIS_CLOCK_REFRESH_SECONDS: Final = 10.0
HEAL_INTERVAL_SECONDS: Final = 0.1

# --- keys -----------------------------------------------------------------------------------------
KEY_CLIENT_CHARACTERS_MAX: Final = 100
# What a process remembers of a key before it asks again; a revocation takes less than a second.
KEY_KNOWN_SECONDS: Final = 0.5
# While the database is away nobody can revoke a key, so for so long one that was good stays good.
KEY_TRUSTED_SECONDS: Final = 60.0
KEYS_KNOWN_MAX: Final = 10_000
# From addresses with too many wrong keys so many more are looked at, by a process: 300 us each.
SPARE_LOOKS_A_SECOND: Final = 10
# How exactly the last use of a key is known.
KEY_USE_SECONDS: Final = 60.0
SESSION_SECONDS: Final = 12 * 3_600

# --- events ---------------------------------------------------------------------------------------
EVENT_KEEP_SECONDS: Final = 14 * 86_400
# Rows read at once, in one transaction that has to stay short; how long the first is waited for.
FEED_ROWS: Final = 500
FEED_WAIT_SECONDS: Final = 0.1
FEED_OPEN_SECONDS: Final = 8.0
# Whoever reads the ledger and is not heard of for so long is replaced.
FEED_LEASE_SECONDS: Final = 10.0
FEED_RENEW_SECONDS: Final = 2.0
# A row whose purchase or predecessor is not there yet; recovery brings it within seconds.
FEED_RETRY_SECONDS: Final = 1.0
# What has not come by then was lost outside of the service, and may hold up nobody for ever.
FEED_PATIENCE_SECONDS: Final = 120.0
FEED_PRODUCTS: Final = 100
FEED_PAUSE_SECONDS: Final = 1.0
DELIVERY_STOP_SECONDS: Final = 12.0
FEED_SCAN_PRODUCTS: Final = 1_000
# Ids tell when they were made, by clocks that differ.
FEED_SKEW_SECONDS: Final = 300

# --- metrics --------------------------------------------------------------------------------------
# How old what one worker tells of another may be.
SAMPLE_SECONDS: Final = 1.0
# After so long a scrape asks nobody anything more; each question of MongoDB has half of it.
SCRAPE_SECONDS: Final = 1.0
SCRAPE_QUERY_SECONDS: Final = 0.5
# More than this many are not counted, so that a scrape costs the database little.
SCRAPE_TAILS_MAX: Final = 500
SCRAPE_RESERVATIONS_MAX: Final = 10_000
# How old an overview and what it says of all counters get, and how long adding these up may take.
OVERVIEW_SECONDS: Final = 2.0
OVERVIEW_STOCK_SECONDS: Final = 30.0
OVERVIEW_SCAN_SECONDS: Final = 0.6

# --- webhooks -------------------------------------------------------------------------------------
# Each endpoint gets a copy of every event, and threads of its own in a deliverer.
WEBHOOKS_MAX: Final = 100
WEBHOOK_URL_CHARACTERS_MAX: Final = 2_000
WEBHOOK_DESCRIPTION_CHARACTERS_MAX: Final = 500
WEBHOOK_SECRET_BYTES: Final = 32
# After a rotation the previous secret signs as well for so long; so many of them at most.
WEBHOOK_SECRET_OVERLAP_SECONDS: Final = 86_400
WEBHOOK_SECRETS_MAX: Final = 3
# Deliveries to one endpoint under way at once, each of another product.
WEBHOOK_LANES: Final = 8
# So many of one product in a row, before others get their turn.
WEBHOOK_LANE_RUN: Final = 32
WEBHOOK_FAN_OUT_EVENTS: Final = 200
WEBHOOK_CONNECT_SECONDS: Final = 3.0
# From the first byte that is sent to the last one that is read, however slowly they come.
WEBHOOK_SEND_SECONDS: Final = 10.0
WEBHOOK_ADDRESSES_MAX: Final = 4
WEBHOOK_ANSWER_BYTES_MAX: Final = 1_024
WEBHOOK_EXCERPT_CHARACTERS_MAX: Final = 500
# A connection that is good for another send; most servers close theirs after five seconds.
WEBHOOK_IDLE_SECONDS: Final = 4.0
WEBHOOK_ATTEMPTS_KEPT: Final = 20
# How exactly the last success of an endpoint is known.
WEBHOOK_SUCCESS_SECONDS: Final = 30.0
# Before the second attempt, the third, ...; after the last one a delivery has failed.
WEBHOOK_RETRY_SECONDS: Final = (5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400, 28_800)
WEBHOOK_RETRY_AFTER_SECONDS_MAX: Final = 3_600
# Of more than these nobody needs to know how many more.
WEBHOOK_WAITING_COUNTED_MAX: Final = 10_000
# An endpoint that took nothing for so long, in so many attempts, is not asked any more.
WEBHOOK_DEAD_SECONDS: Final = 86_400
WEBHOOK_DEAD_ATTEMPTS: Final = 20
# Longer than a send, which nobody begins who might outlast it; no longer, because others wait.
WEBHOOK_LEASE_SECONDS: Final = 13.0
WEBHOOK_ROUND_SECONDS: Final = 1.0
WEBHOOK_TICK_SECONDS: Final = 0.25
WEBHOOK_LEASE_MARGIN_SECONDS: Final = 0.5

# --- rehearsals -----------------------------------------------------------------------------------
REHEARSAL_BUYERS_MAX: Final = 500
REHEARSAL_STOCK_MAX: Final = 10_000
REHEARSAL_QUANTITY_MAX: Final = 5
# So many orders at a time, so that real customers of the same process have room.
REHEARSAL_BUYERS_AT_ONCE: Final = 64
REHEARSAL_SECONDS_MAX: Final = 60.0
REHEARSAL_PAUSE_SECONDS: Final = 0.1
# How old its figures may be; whoever does not tell any for so long has died.
REHEARSAL_TICK_SECONDS: Final = 0.25
REHEARSAL_LEASE_SECONDS: Final = 10.0
REHEARSAL_KEEP_SECONDS: Final = 30 * 86_400

# --- limits of rates ------------------------------------------------------------------------------
RATE_WINDOW_SECONDS: Final = 60
# Whoever may send more than this has no limit worth counting.
RATE_MAX: Final = 10**9
# All processes together admit no more than this part above a limit.
RATE_ERROR: Final = 0.05
# As many are assumed until Redis has told how many there are.
RATE_PROCESSES: Final = 16
# A process says that it is there; who has not for so long is not counted any more.
RATE_INTRODUCTION_SECONDS: Final = 20
RATE_PROCESS_SECONDS: Final = 120
# How far the clocks of machines may be apart before their windows are not the same any more.
RATE_SKEW_SECONDS_MAX: Final = 10
# Of one process: some 4 MB.
RATE_TALLIES_MAX: Final = 10_000
# IPv6 clients have whole networks; their addresses count by the first so many bits.
RATE_IPV6_BITS: Final = 64
RATE_ADDRESS_CHARACTERS_MAX: Final = 64
