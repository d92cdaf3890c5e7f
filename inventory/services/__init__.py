"""Use cases: one function each. Knows no HTTP, no MongoDB and no Redis."""
