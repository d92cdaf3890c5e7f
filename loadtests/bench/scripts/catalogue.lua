-- The products that a file names, one id a line, and the requests that can be made of them.

local catalogue = {}

-- Call it in `init`: before, wrk does not know yet whom it speaks to.
function catalogue.load(file)
  catalogue.reads, catalogue.purchases = {}, {}
  local headers = { ["Content-Type"] = "application/json" }
  for id in io.lines(file) do
    local path = "/api/products/" .. id
    table.insert(catalogue.reads, wrk.format("GET", path))
    table.insert(
      catalogue.purchases,
      wrk.format("POST", path .. "/purchase", headers, '{"quantity": 1}')
    )
  end
end

return catalogue
