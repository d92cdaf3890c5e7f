"""Products as files: what an import reads and an export writes, in CSV, NDJSON and JSON.

`reading` makes rows of a file, `writing` makes a file of products, `cells` is what the two share of
CSV. Shared by HTTP and the command line; knows neither.
"""
