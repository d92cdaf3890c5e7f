-- Purchases of one unit without a key.

require("outcome")

wrk.method = "POST"
wrk.body = '{"quantity": 1}'
wrk.headers["Content-Type"] = "application/json"
