"""Whether the books hold together: every rule that they must keep, checked from outside.

    problems    what can be wrong, and how it is told
    entries     what one entry may say by its kind
    history     the rows of a product and its tail, one after another
    product     a product's whole record: catalogue, counters, history, holds
    documents   purchases, returns and reservations beside the movements that they speak of
    repairs     what can be put right again because something else still knows it

A problem is told where it began: what follows from it alone is not told once more.
"""
