-- What one gateway process still runs: each request's reservation and its place among those at the same time last on.
-- What Redis does not know of (it lost it, or it was away when the request was admitted) is put in.
--
-- KEYS  1 spend (hash) · 2 reservations (hash) · 3 leases (zset) · 4 active (zset)
-- ARGV  1 lease ms · then for each request: its id · the reserved nano-USD, 0 for none · whether it takes a place (1/0)

local time = redis.call('TIME')
local ends = time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(ARGV[1])
for index = 2, #ARGV, 3 do
  local id, amount = ARGV[index], ARGV[index + 1]
  if amount ~= '0' then
    if redis.call('HSETNX', KEYS[2], id, amount) == 1 then redis.call('HINCRBY', KEYS[1], 'reserved', amount) end
    redis.call('ZADD', KEYS[3], ends, id)
  end
  if ARGV[index + 2] == '1' then redis.call('ZADD', KEYS[4], ends, id) end
end
return 1
