"""Events: reads them off the ledger, one after another, whoever wrote it. Knows nothing of HTTP."""
