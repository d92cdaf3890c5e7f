"""Imports and exports under observation: how long they take, how much memory they hold, who waits.

`rows` makes files, `watching` looks at processes and at a shopper who buys meanwhile, `run` does
one transfer after the other, `picture` draws their memory.
"""
