"""The only rooms that know Redis. It speeds up reads and decides nothing.

`connection` keeps a bad Redis from hurting anybody, `store` keeps an older value from replacing a
newer one, `decorator` makes a reading function cached. No Redis error ever leaves this package.
"""
