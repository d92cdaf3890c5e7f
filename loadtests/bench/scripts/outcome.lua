-- What every script ends with: one line of JSON about the run, and a look at the answers on request.

local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

-- Answers by their X-Cache header and by their status; only scripts that call this pay for it.
-- The names are global because wrk hands only globals of a thread on to `done`.
function watch_answers()
  hit, miss, bypass, created = 0, 0, 0, 0
  response = function(status, headers)
    if status == 201 then
      created = created + 1
    end
    local cache = headers["X-Cache"]
    if cache then
      _G[cache] = _G[cache] + 1
    end
  end
end

local function total(name)
  local sum = 0
  for _, thread in ipairs(threads) do
    sum = sum + (thread:get(name) or 0)
  end
  return sum
end

function done(summary, latency)
  local errors = summary.errors
  local fields = {
    requests = summary.requests,
    duration_us = summary.duration,
    p50_us = latency:percentile(50),
    p99_us = latency:percentile(99),
    refused = errors.status,
    broken = errors.connect + errors.read + errors.write + errors.timeout,
    hit = total("hit"),
    miss = total("miss"),
    bypass = total("bypass"),
    created = total("created"),
  }
  local parts = {}
  for name, value in pairs(fields) do
    table.insert(parts, string.format('"%s": %d', name, value))
  end
  print("{" .. table.concat(parts, ", ") .. "}")
end
