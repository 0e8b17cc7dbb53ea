-- What the ledger now says was spent replaces what was held for the requests it has recorded.
-- Absolute figures, so that a repeat, or a Redis that lost everything, ends in the same state.
--
-- KEYS  1 spend (hash) · 2 reservations (hash) · 3 leases (zset)
-- ARGV  1 'always' or 'unless-ready' · 2 day field · 3 day nano-USD · 4 month field · 5 month nano-USD · 6… request ids

local ready = redis.call('HGET', KEYS[1], 'ready')
if ARGV[1] == 'unless-ready' and ready then return 0 end
for index = 6, #ARGV do
  local held = redis.call('HGET', KEYS[2], ARGV[index])
  if held then
    redis.call('HINCRBY', KEYS[1], 'reserved', '-' .. held)
    redis.call('HDEL', KEYS[2], ARGV[index])
    redis.call('ZREM', KEYS[3], ARGV[index])
  end
end
if not ready then -- the sum of what is reserved was lost with the rest, or never there
  local sum = 0
  for _, held in ipairs(redis.call('HVALS', KEYS[2])) do sum = sum + tonumber(held) end
  redis.call('HSET', KEYS[1], 'reserved', string.format('%d', sum))
end
redis.call('HSET', KEYS[1], 'ready', 1, ARGV[2], ARGV[3], ARGV[4], ARGV[5])
redis.call('EXPIRE', KEYS[1], 3456000)
return 1
