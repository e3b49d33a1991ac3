-- The honest load on Mainstay: 1,000 tokens over 10 tenants; every answer is matched to its request by the echoed
-- X-Request-ID and checked. WORK is list, get or create. CALLERS names a file of
-- "token<TAB>tenant name<TAB>user id<TAB>own tenant's post id<TAB>another tenant's post id" lines.
-- One write per 50 reads; the next read of that caller must show it. Bodies, a 401 and a foreign 404 are asserted.
local work = os.getenv("WORK") or "list"
local callers, cursors, shown, waiting = {}, {}, {}, {}
for line in io.lines(os.getenv("CALLERS")) do
  local token, tenant, user, own, foreign = line:match("^(.-)\t(.-)\t(.-)\t(.-)\t(.-)$")
  callers[#callers + 1] = { header = "Authorization: Bearer " .. token .. "\r\n", tenant = tenant, user = user, own = own, foreign = foreign }
end

local n, sent = 0, { read = 0, write = 0, readback = 0, denied = 0, foreign = 0 }
failures, checked, denied, foreign, readbacks, cursor_pages, writes = 0, 0, 0, 0, 0, 0, 0
local threads = {}
local limits = { 20, 20, 20, 10, 20, 30, 20, 20, 10, 30 }

function setup(thread) threads[#threads + 1] = thread end

-- Requests are put together by hand: wrk.format costs more than a fast server's answer.
local function ask(method, path, who, kind, body)
  local head = method .. " " .. path .. " HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Request-ID: " .. kind .. "-" .. who .. "-" .. n .. "\r\n"
  if kind ~= "denied" then head = head .. callers[who].header end
  if not body then return head .. "\r\n" end
  return head .. "Content-Type: application/json\r\nContent-Length: " .. #body .. "\r\n\r\n" .. body
end

local function create(who)
  local c = callers[who]
  return ask("POST", "/api/v1/posts", who, "write",
    '{"title":"of ' .. c.tenant .. ' written ' .. n .. '","body":"lorem ipsum dolor sit amet"}')
end

local function list(who)
  local limit = limits[n % 10 + 1]
  if n % 10 == 3 and cursors[who] then
    return ask("GET", "/api/v1/posts?limit=20&after=" .. cursors[who], who, "cursor")
  elseif n % 10 == 7 then
    return ask("GET", "/api/v1/posts?limit=20&author_id=" .. callers[who].user, who, "filtered")
  elseif limit == 20 then
    return ask("GET", "/api/v1/posts", who, "read20")
  end
  return ask("GET", "/api/v1/posts?limit=" .. limit, who, "read" .. limit)
end

function request()
  n = n + 1
  local who = n * 7 % #callers + 1
  if #waiting > 0 then
    local w = table.remove(waiting)
    if work == "get" then return ask("GET", "/api/v1/posts/" .. w.id, w.who, "back") end
    return ask("GET", "/api/v1/posts?id=" .. w.id, w.who, "back")
  elseif n % 200 == 77 then
    return ask("GET", "/api/v1/posts", who, "denied")
  elseif n % 200 == 177 then
    return ask("GET", "/api/v1/posts/" .. callers[who].foreign, who, "foreign")
  elseif work == "create" then
    if n % 50 == 0 then return ask("GET", "/api/v1/posts/" .. callers[who].own, who, "one") end
    return create(who)
  elseif n % 50 == 0 then
    return create(who)
  elseif work == "get" then
    return ask("GET", "/api/v1/posts/" .. callers[who].own, who, "one")
  end
  return list(who)
end

local function count(body, text)
  local found, place = 0, 1
  while true do
    local _, last = body:find(text, place, true)
    if not last then return found end
    found, place = found + 1, last + 1
  end
end

local function fail(kind, status, body)
  failures = failures + 1
  if failures <= 3 then io.stderr:write("wrong answer to " .. kind .. ": " .. status .. " " .. body:sub(1, 300) .. "\n") end
end

function response(status, headers, body)
  local id = headers["x-request-id"] or headers["X-Request-ID"] or ""
  local kind, who = id:match("^(%a+%d*)%-(%d+)%-")
  if not kind then return fail("a request whose id was not echoed", status, body) end
  who = tonumber(who)
  local c = callers[who]
  if kind == "denied" then
    denied = denied + 1
    if status ~= 401 then fail(kind, status, body) end
  elseif kind == "foreign" then
    foreign = foreign + 1
    if status ~= 404 then fail(kind, status, body) end
  elseif kind == "write" then
    writes = writes + 1
    local key = body:match('"id":"([^"]+)"')
    if status ~= 201 or not key or not body:find("of " .. c.tenant .. " written", 1, true) then return fail(kind, status, body) end
    if work ~= "create" or writes % 50 == 0 then waiting[#waiting + 1] = { id = key, who = who } end
  elseif kind == "one" then
    if status ~= 200 or not body:find(c.own, 1, true) or not body:find("of " .. c.tenant .. " ", 1, true) then fail(kind, status, body) end
  elseif kind == "back" then
    readbacks = readbacks + 1
    if status ~= 200 or not body:find(" written ", 1, true) then fail(kind, status, body) end
  else
    if status ~= 200 then return fail(kind, status, body) end
    if kind == "cursor" then cursor_pages = cursor_pages + 1 end
    -- The cursor stands at the end; a pattern run over the whole body would make wrk the slower of the two.
    local _, before = body:find('"next":"', -400, true)
    if before then cursors[who] = body:match("^[^\"]+", before + 1) end
    checked = checked + 1
    -- Every item is counted and its tenant read in one answer of twenty; the size alone is looked at in the others.
    if checked % 20 == 0 then
      local items, mine = count(body, '"row_version":'), count(body, '"title":"of ' .. c.tenant .. ' ')
      local wanted = tonumber(kind:match("%d+")) or 20
      if items ~= mine or (items ~= wanted and kind ~= "cursor") then fail(kind, status, body) end
    elseif #body < 1000 and kind ~= "cursor" then
      fail(kind, status, body)
    end
  end
end

function done(summary, latency, requests)
  local t = threads[1]
  io.write(string.format(
    "RESULT rate=%.1f p50=%.3f p99=%.3f requests=%d socket_errors=%d failures=%d lists_checked=%d cursor_pages=%d writes=%d readbacks=%d denied=%d foreign=%d\n",
    summary.requests / summary.duration * 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000, summary.requests,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
    t:get("failures"), t:get("checked"), t:get("cursor_pages"), t:get("writes"), t:get("readbacks"), t:get("denied"), t:get("foreign")))
end
