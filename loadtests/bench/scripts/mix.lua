-- Reads and purchases of products that are as popular as Zipf says, with an exponent of 1.
-- Arguments: the file with their ids, the percentage of purchases, a seed.

require("outcome")
local catalogue = require("catalogue")

local popularity, percentage = {}, 0

function init(arguments)
  catalogue.load(arguments[1])
  percentage = tonumber(arguments[2])
  math.randomseed(tonumber(arguments[3]))
  local sum = 0
  for rank = 1, #catalogue.reads do
    sum = sum + 1 / rank
    popularity[rank] = sum
  end
  watch_answers()
end

-- The rank whose share of the popularity a number falls into.
local function chosen()
  local point = math.random() * popularity[#popularity]
  local low, high = 1, #popularity
  while low < high do
    local middle = math.floor((low + high) / 2)
    if popularity[middle] < point then
      low = middle + 1
    else
      high = middle
    end
  end
  return low
end

function request()
  local requests = math.random() * 100 < percentage and catalogue.purchases or catalogue.reads
  return requests[chosen()]
end
