"""The steps that Redis takes at one go, in Lua.

Each tag has a version: a random text that goes when the tag is voided, or when Redis forgets it. An entry names the
versions its fill began with and counts only while all of them stand: what is lost makes a miss, never a stale value.
"""

# A lease names the versions it began with too: after a voiding nobody has to wait for the one who fills what is void.
# KEYS: entry, lease, tags…  ARGV: token, lease in ms, life of the tags in ms, "force" or "".
# Answers {the entry or nil, the lease that was had or nil, the tags' versions…}.
BEGIN = """
local versions = {}
for i = 3, #KEYS do
  local version = redis.call('GET', KEYS[i])
  if not version then
    version = ARGV[1] .. i
    redis.call('SET', KEYS[i], version, 'PX', ARGV[3])
  elseif redis.call('PTTL', KEYS[i]) < tonumber(ARGV[3]) then
    redis.call('PEXPIRE', KEYS[i], ARGV[3])
  end
  versions[i - 2] = version
end
local under = ':' .. table.concat(versions, ',')
local held = redis.call('GET', KEYS[2])
local lease = false
if ARGV[4] == 'force' or not held or string.sub(held, -string.len(under)) ~= under then
  lease = ARGV[1] .. under
  redis.call('SET', KEYS[2], lease, 'PX', ARGV[2])
end
return {redis.call('GET', KEYS[1]), lease, unpack(versions)}
"""
# KEYS: entry, lease, tags…  ARGV: the lease, the entry, its life in ms, the tags' versions…
KEEP = """
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[2])
for i = 3, #KEYS do
  if redis.call('GET', KEYS[i]) ~= ARGV[i + 1] then return 0 end
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
"""
# KEYS: lease.  ARGV: the lease, and for how many ms it goes on; "0" ends it.
HOLD = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '0' then redis.call('DEL', KEYS[1]) else redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 1
"""
