-- A reservation becomes the request's real cost, and is held as such until the ledger has it (record.lua).
-- A repeat changes nothing, but for the tokens: they are not sent again.
--
-- KEYS  1 spend (hash) · 2 reservations (hash) · 3 leases (zset) · 4 active (zset) · 5 rate (hash)
-- ARGV  1 request id · 2 cost nano-USD · 3 how long to hold it at most, ms · 4 tokens used minus tokens estimated
--       5 the minute it was admitted in, whose tokens these are

redis.call('ZREM', KEYS[4], ARGV[1])
local before = redis.call('HGET', KEYS[2], ARGV[1])
if before then redis.call('HINCRBY', KEYS[1], 'reserved', '-' .. before) end
if ARGV[2] == '0' then
  redis.call('HDEL', KEYS[2], ARGV[1])
  redis.call('ZREM', KEYS[3], ARGV[1])
else
  local time = redis.call('TIME')
  redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
  redis.call('HINCRBY', KEYS[1], 'reserved', ARGV[2])
  redis.call('ZADD', KEYS[3], time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(ARGV[3]), ARGV[1])
end

if ARGV[4] ~= '0' then
  local minute, admitted = tonumber(redis.call('HGET', KEYS[5], 'minute')), tonumber(ARGV[5])
  local field = minute == admitted and 'tokens' or minute == admitted + 1 and 'tokens_before'
  if field and redis.call('HINCRBY', KEYS[5], field, ARGV[4]) < 0 then redis.call('HSET', KEYS[5], field, 0) end
end
return 1
