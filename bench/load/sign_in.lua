-- Signs users in, one after the other; EMAILS names a file of addresses, PASSWORD is everybody's.
local emails, turn = {}, 0
local busy, wrong = 0, 0
threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  for line in io.lines(os.getenv("EMAILS")) do table.insert(emails, line) end
end

function request()
  turn = turn % #emails + 1
  local body = string.format('{"email":"%s","password":"%s"}', emails[turn], os.getenv("PASSWORD"))
  return wrk.format("POST", nil, {["Content-Type"] = "application/json"}, body)
end

signed_in, shed, failures = 0, 0, 0
function response(status)
  if status == 200 then signed_in = signed_in + 1
  elseif status == 503 then shed = shed + 1
  else failures = failures + 1 end
end

function done(summary, latency, requests)
  local s, h, f = 0, 0, 0
  for _, thread in ipairs(threads) do
    s, h, f = s + thread:get("signed_in"), h + thread:get("shed"), f + thread:get("failures")
  end
  io.write(string.format("RESULT rate=%.2f p50=%.3f p99=%.3f signed_in=%d shed=%d socket_errors=%d failures=%d\n",
    s / summary.duration * 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000, s, h,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout, f))
end
