-- A reservation becomes the request's real cost, and is held as such until the ledger has it (record.lua).
--
-- KEYS  1 spend (hash) · 2 reservations (hash) · 3 leases (zset) · 4 active (zset) · 5 rate (hash)
-- ARGV  1 request id · 2 cost nano-USD · 3 how long to hold it at most, ms · 4 tokens used minus tokens estimated

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

redis.call('ZREM', KEYS[4], ARGV[1])
local before = redis.call('HGET', KEYS[2], ARGV[1])
if before then redis.call('HINCRBY', KEYS[1], 'reserved', '-' .. before) end
if ARGV[2] == '0' then
  redis.call('HDEL', KEYS[2], ARGV[1])
  redis.call('ZREM', KEYS[3], ARGV[1])
else
  redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
  redis.call('HINCRBY', KEYS[1], 'reserved', ARGV[2])
  redis.call('ZADD', KEYS[3], now + tonumber(ARGV[3]), ARGV[1])
end
if ARGV[4] ~= '0' and redis.call('HGET', KEYS[5], 'minute') == tostring(math.floor(now / 60000)) then
  redis.call('HINCRBY', KEYS[5], 'tokens', ARGV[4])
end
return 1
