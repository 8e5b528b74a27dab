-- wrk: posts one tool call over and over. Arguments: a file with a token in each line, how many
-- requests at the most (0: as many as the time allows). With several tokens each is used once.
local tokens, most, sent = {}, 0, 0
local body = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"pods_list","arguments":{"namespace":"'
  .. string.rep('n', 320) .. '"}}}'

local function build(token)
  return wrk.format('POST', nil, {
    ['Authorization'] = 'Bearer ' .. token,
    ['Content-Type'] = 'application/json',
    ['Accept'] = 'application/json, text/event-stream',
    ['MCP-Protocol-Version'] = '2025-11-25',
  }, body)
end

function init(args)
  for line in io.lines(args[1]) do tokens[#tokens + 1] = line end
  most = tonumber(args[2])
  if #tokens == 1 then
    local only = build(tokens[1])
    request = function() return only end
  end
end

function request()
  sent = sent + 1
  if sent == #tokens then
    wrk.thread:stop()
    -- wrk itself waits for its time to pass; system(3) ignores the signal while it runs
    os.execute('(sleep 0.02; kill -INT $PPID) &')
  end
  return build(tokens[math.min(sent, #tokens)])
end

function done(summary, latency)
  local bad = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout
  io.write(string.format('figures %d %d %f %f\n', summary.requests, bad, latency:percentile(50), latency:percentile(99)))
end
