-- A T1 entry, its place in the organization's index, and the end of the flight that brought it. One hash slot.
--
-- KEYS  1 entry · 2 index (zset: digest → seconds since the epoch when it runs out) · 3 flight
-- ARGV  1 the entry · 2 seconds it is kept · 3 its digest · 4 request id

local now, ttl = tonumber(redis.call('TIME')[1]), tonumber(ARGV[2])
redis.call('SET', KEYS[1], ARGV[1], 'EX', ttl)
for _, digest in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'LIMIT', 0, 4)) do
  redis.call('ZREM', KEYS[2], digest)
end
redis.call('ZADD', KEYS[2], now + ttl, ARGV[3])
if redis.call('TTL', KEYS[2]) < ttl then redis.call('EXPIRE', KEYS[2], ttl) end
if redis.call('GET', KEYS[3]) == ARGV[4] then redis.call('DEL', KEYS[3]) end
return 1
