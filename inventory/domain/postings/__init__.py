"""Changes that touch several products or documents at once: each decides all of it, or refuses.

A posting says beforehand which documents it needs (`Needs`); `decide` finds them in the books, and
writes there what follows. All that is decided is written in one transaction.

    buying     carts, and units that come back
    holding    reservations, from the hold to the purchase
    counting   stocktakes
"""
