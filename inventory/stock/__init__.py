"""The stock engine: everything that changes stock goes through here, in groups.

`engine` decides who gets what, `queue` gathers those who wait, `archive` carries entries from the
tail to the ledger, `recovery` finds out what became of an operation. Knows no HTTP and no Redis.
"""
