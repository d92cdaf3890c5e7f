-- Purchases of one unit, each with an Idempotency-Key of its own. Argument: what all keys begin with.

require("purchase")

local prefix, number = "", 0

function init(arguments)
  prefix = arguments[1]
end

function request()
  number = number + 1
  wrk.headers["Idempotency-Key"] = prefix .. "-" .. number
  return wrk.format()
end
