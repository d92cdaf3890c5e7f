"""Load tests whose verdict comes from the books, and a benchmark beside yardsticks.

A load test that only counts answers proves nothing about stock. These keep a journal of every
purchase that was tried, and afterwards hold it against what the service itself has on record.

    journal      what the clients did and saw: written before and after every request
    books        what the service says happened: counters, ledger, purchases
    verdict      the rules that tie the two together; pure
    figures      rates and latencies of a journal; pure
    report       the table for people and the JSON for machines
    service      a running service: one of our own, or one that is named
    scenario     a run from the first product to the verdict
    flash_sale   locust: everybody wants the one product
    browse       locust: many look, few buy
    shoppers     locust: what both kinds of shoppers do
    checkout     everything that a shop does with one product, all at once
    checking     how long a check of all books takes
    shop_books   books written straight into the database
    bench        how fast: the service beside its yardsticks, in turns, against its targets
    growth       what a request costs as the catalogue grows
    soak         whether anything grows without end under a lasting load
    powercut     what mongod never synced is gone; is what was acknowledged there?
    fuzz         requests that nobody thought of, made from the OpenAPI document
    orders       sends one order, as a client does
    yardsticks   small apps to compare it with
    replicas     three instances behind nginx, on a replica set of three
    edge         nginx as it is deployed, before services that run already
    processes    what processes cost

Outside of the service: knows its HTTP contract and how it is started, not its inside.
`python -m loadtests` is the command line; only the three locust modules import locust, because
that changes the whole process.
"""
