-- One prompt: which of its beginnings came before, and how often what came before came again. One hash slot.
--
-- KEYS  1 beginnings (zset: digest → when it was seen last, in seconds; how often and how, in the fraction)
--       2 odds (hash: a kind of sighting → how many there were, and after how many of them the same came again)
-- ARGV  1 seconds within which it must come again · 2 how many beginnings are kept · 3 1 when the document was named
--       4… the digests of its beginnings, the shortest first
--
-- Returns which beginning was the longest known one (0: none), how often it was seen before, and all odds.

local now, ttl, most, named = tonumber(redis.call('TIME')[1]), tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local last = #ARGV - 3

local function kind(count, name)
  return (name == 1 and 'n' or 'p') .. (count > 1 and 'a' or 'f')
end

local function keep(index, count, name)
  local score = now + (math.min(count, 500) * 2 + name) / 1024
  redis.call('ZADD', KEYS[1], string.format('%.10f', score), ARGV[3 + index])
end

local known, count, name = 0, 0, 0
for index = last, 1, -1 do
  local score = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[3 + index]) or 0)
  local at = math.floor(score)
  if now - at < ttl then
    local rest = math.floor((score - at) * 1024 + 0.5)
    known, count, name = index, math.floor(rest / 2), rest % 2
    break
  end
end

if known > 0 then
  redis.call('HINCRBY', KEYS[2], kind(count, name) .. 'w', 1)
  keep(known, count + 1, name)
end
local times = known == last and count + 1 or (known > 0 and 2 or 1)
if known < last then
  keep(last, times, named)
  if known == 0 and last > 1 then keep(1, 1, named) end
end
local seen = kind(times, known == last and name or named)
if redis.call('HINCRBY', KEYS[2], seen .. 's', 1) > 1000 then
  for _, what in ipairs({'s', 'w'}) do
    local half = math.floor(tonumber(redis.call('HGET', KEYS[2], seen .. what) or 0) / 2)
    redis.call('HSET', KEYS[2], seen .. what, half)
  end
end

local size = redis.call('ZCARD', KEYS[1])
if size > most then redis.call('ZREMRANGEBYRANK', KEYS[1], 0, size - most - 1) end
redis.call('EXPIRE', KEYS[1], 3600)
redis.call('EXPIRE', KEYS[2], 2592000)

local told = {known, count}
for _, field in ipairs(redis.call('HMGET', KEYS[2], 'nfs', 'nfw', 'nas', 'naw', 'pfs', 'pfw', 'pas', 'paw')) do
  told[#told + 1] = tonumber(field or 0)
end
return told
