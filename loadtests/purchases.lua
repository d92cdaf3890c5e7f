-- What wrk does in loadtests/replicas.py: buys a unit again and again, every second time with a key.
--
-- At STOP, in seconds of Unix time, every connection rests once its answer is there, so that wrk breaks
-- nothing off at its end and knows of every purchase that was made. For one thread.

local stop = tonumber(os.getenv("STOP"))
local turn = os.getenv("TURN")
local sent = 0

function request()
  sent = sent + 1
  local headers = { ["Content-Type"] = "application/json" }
  if sent % 2 == 0 then
    headers["Idempotency-Key"] = turn .. "-" .. sent
  end
  return wrk.format("POST", nil, headers, '{"quantity":1}')
end

function delay()
  return os.time() >= stop and 60000 or 0
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n{"answers": %d, "refused": %d, "broken": %d, "p50_ms": %.1f, "p99_ms": %.1f}\n',
    summary.requests, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
