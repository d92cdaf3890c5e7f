-- Reads of the addresses that a file names, one path a line, one after the other; looks at the
-- answers. The headers come from the command line. Argument: the file.

require("outcome")

local requests, number = {}, 0

function init(arguments)
  for path in io.lines(arguments[1]) do
    table.insert(requests, wrk.format("GET", path))
  end
  watch_answers()
end

function request()
  number = number % #requests + 1
  return requests[number]
end
