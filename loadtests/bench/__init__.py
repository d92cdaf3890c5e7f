"""The benchmark: every variant in turns on the same machine, in the same minutes, then the targets.

    plan      which variants, in which order, and what is divided by what; pure
    stage     mongod, Valkey and all designs, started and stopped
    shelves   products to buy, and what their stock is checked against
    wrk       the closed loop, and its scripts
    openloop  the open loop: requests at fixed times, however the service fares
    turns     one turn of one variant
    singles   what is measured once a run
    counters  what the servers count themselves
    ratios    medians, and ratios taken round by round; pure
    targets   what the service is to reach, and whether it does; pure
    report    tables, JSON and the page in docs
    picture   the same as a picture
    run       all of it, from the first product to the verdict

Linux only, for its accounts of CPU time, and only with wrk.
"""
