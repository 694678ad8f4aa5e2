-- Requests for wrk, taken in turn from a file: one per line, "path<TAB>header: value<TAB>...<TAB>=body".
-- A line that begins with "POST " is a POST. At the end one line for the caller is printed.
local prepared = {}
local at = 0

function init(args)
  for line in io.lines(args[1]) do
    local method, path, body, headers = "GET", nil, nil, {}
    for part in line:gmatch("[^\t]+") do
      if path == nil then
        if part:sub(1, 5) == "POST " then method = "POST"; part = part:sub(6) end
        path = part
      elseif part:sub(1, 1) == "=" then
        body = part:sub(2)
      else
        local name, value = part:match("^([^:]+): (.*)$")
        headers[name] = value
      end
    end
    prepared[#prepared + 1] = wrk.format(method, path, headers, body)
  end
  at = tonumber(args[2] or "0")
end

function request()
  at = at + 1
  return prepared[(at - 1) % #prepared + 1]
end

function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format("RESULT %d %d %d %d %d\n", summary.requests, summary.duration, summary.bytes,
    e.status, e.connect + e.read + e.write + e.timeout))
end
