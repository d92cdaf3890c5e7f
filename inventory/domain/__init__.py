"""The words and rules of the shop: frozen dataclasses and pure functions.

Does no I/O and knows nobody but `errors` and `limits`.
"""
