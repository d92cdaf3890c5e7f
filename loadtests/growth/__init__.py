"""What a request costs in a small catalogue and in a large one: does the service stay as fast?

    figures  the turns, their ratios and the targets; pure
    places   a database, filled, and a service on it, for every size
    turns    one turn: one kind of request at one size
    run      all of it, from the first product to the check of the books

Uses the parts of `bench`; Linux only, and only with wrk.
"""
