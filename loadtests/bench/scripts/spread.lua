-- Purchases of one unit, of one product after another. Argument: the file with their ids.

require("outcome")
local catalogue = require("catalogue")

local number = 0

function init(arguments)
  catalogue.load(arguments[1])
end

function request()
  number = number % #catalogue.purchases + 1
  return catalogue.purchases[number]
end
