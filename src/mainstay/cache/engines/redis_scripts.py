"""The steps that Redis takes at one go, in Lua.

Each tag has a version: a random text that goes when the tag is voided, or when Redis forgets it. An entry names the
versions its fill began with and counts only while all of them stand: what is lost makes a miss, never a stale value.
"""

# KEYS: entry, lease, tags…  ARGV: token, lease in ms, life of the tags in ms, "force" or "".
# Answers {the entry or nil, 1 where the lease was had, the tags' versions…}.
BEGIN = """
local entry = redis.call('GET', KEYS[1])
local had = 1
if ARGV[4] == 'force' then
  redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
elseif not redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2]) then
  had = 0
end
local answer = {entry, had}
for i = 3, #KEYS do
  local version = redis.call('GET', KEYS[i])
  if not version then
    version = ARGV[1] .. i
    redis.call('SET', KEYS[i], version, 'PX', ARGV[3])
  elseif redis.call('PTTL', KEYS[i]) < tonumber(ARGV[3]) then
    redis.call('PEXPIRE', KEYS[i], ARGV[3])
  end
  answer[i] = version
end
return answer
"""
# KEYS: entry, lease, tags…  ARGV: token, the entry, its life in ms, the tags' versions…
KEEP = """
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[2])
for i = 3, #KEYS do
  if redis.call('GET', KEYS[i]) ~= ARGV[i + 1] then return 0 end
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
"""
# KEYS: lease.  ARGV: token, and for how many ms it goes on; "0" ends it.
HOLD = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '0' then redis.call('DEL', KEYS[1]) else redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 1
"""
