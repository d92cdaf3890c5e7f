"""Half of what the service can carry, for a long time: does anything in it grow without end?

    figures  the samples, the slope of the memory, the targets; pure
    load     the requests, one after the other
    looking  what the processes hold now
    run      all of it, from the first product to the check of the books

Uses the parts of `bench`; Linux only, and only with wrk.
"""
