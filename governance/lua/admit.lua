-- Admission and the T1 read in one atomic step. Everything lives in one organization's hash slot.
--
-- KEYS  1 T1 entry · 2 rate (hash) · 3 spend (hash) · 4 reservations (hash) · 5 leases (zset) · 6 active (zset)
--       7 flight: the request that is getting this entry for everyone
-- ARGV  1 request id · 2 day field · 3 month field · 4 reserve nano-USD · 5 tokens
--       6 requests/min · 7 tokens/min · 8 concurrency · 9 day budget · 10 month budget     (-1: no limit)
--       11 lease ms · 12 read T1 (1/0) · 13 count this request (1/0) · 14 flight ms (0: it goes alone)
-- Replies {verdict, detail, retry-after ms}:
--   {'hit', entry} · {'elsewhere', request id} · {'ok', minute} · {'cold'} (budgets must be primed from the ledger first)
--   {'refused', 'requests'|'tokens'|'concurrency'|'day'|'month', ms}     (-1: see the limit's name; waiting is no use)
--
-- spent + reserved + wanted is compared as Lua numbers (exact up to 2^53 nano-USD, 9 million USD); sums are kept by
-- HINCRBY, which is exact.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local minute = math.floor(now / 60000)
local into_minute = (now % 60000) / 60000

local request_limit, token_limit = tonumber(ARGV[6]), tonumber(ARGV[7])
local counting = ARGV[13] == '1'

-- Sliding window: the last minute's count fades linearly into this one's.
local function window(count_field, previous_field)
  local rate = redis.call('HMGET', KEYS[2], 'minute', count_field, previous_field)
  local seen, count, previous = tonumber(rate[1]), tonumber(rate[2]) or 0, tonumber(rate[3]) or 0
  if seen == minute then return count, previous end
  if seen == minute - 1 then return 0, count end
  return 0, 0
end

local requests, requests_before, tokens, tokens_before = 0, 0, 0, 0
local limited = request_limit >= 0 or token_limit >= 0
if limited then
  requests, requests_before = window('requests', 'requests_before')
  tokens, tokens_before = window('tokens', 'tokens_before')
end

local function remember_rate(more_requests, more_tokens)
  if not limited then return end
  redis.call('HSET', KEYS[2], 'minute', minute, 'requests', requests + more_requests, 'requests_before',
    requests_before, 'tokens', tokens + more_tokens, 'tokens_before', tokens_before)
  redis.call('PEXPIRE', KEYS[2], 120000)
end

-- When the faded sum leaves room again, if nobody else asks: this minute's count begins to fade with the next minute.
local function wait_for(count, before, wanted, limit)
  if wanted > limit then return -1 end
  local minutes
  if count + wanted > limit then
    minutes = 2 - (limit - wanted) / count
  else
    minutes = 1 - (limit - wanted - count) / before
  end
  return math.max(1, math.ceil((minutes - into_minute) * 60000))
end

if counting and request_limit >= 0 and requests + requests_before * (1 - into_minute) + 1 > request_limit then
  return {'refused', 'requests', wait_for(requests, requests_before, 1, request_limit)}
end

if ARGV[12] == '1' then
  local entry = redis.call('GET', KEYS[1])
  if entry then
    if counting then remember_rate(1, 0) end
    return {'hit', entry}
  end
end

if ARGV[14] ~= '0' then
  local flight = redis.call('GET', KEYS[7])
  if flight and flight ~= ARGV[1] then
    if counting then remember_rate(1, 0) end
    return {'elsewhere', flight}
  end
end

local wanted_tokens = tonumber(ARGV[5])
if token_limit >= 0 and wanted_tokens > 0
    and tokens + tokens_before * (1 - into_minute) + wanted_tokens > token_limit then
  return {'refused', 'tokens', wait_for(tokens, tokens_before, wanted_tokens, token_limit)}
end

local concurrency = tonumber(ARGV[8])
if concurrency >= 0 then
  redis.call('ZREMRANGEBYSCORE', KEYS[6], '-inf', now)
  if redis.call('ZCARD', KEYS[6]) >= concurrency then return {'refused', 'concurrency', 1000} end
end

local day_budget, month_budget = tonumber(ARGV[9]), tonumber(ARGV[10])
local reserve = tonumber(ARGV[4])
if reserve >= 0 and (day_budget >= 0 or month_budget >= 0) then
  local spend = redis.call('HMGET', KEYS[3], 'ready', ARGV[2], ARGV[3])
  if not spend[1] then return {'cold'} end
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[5], '-inf', now, 'LIMIT', 0, 50)) do
    local amount = redis.call('HGET', KEYS[4], id)
    if amount then redis.call('HINCRBY', KEYS[3], 'reserved', '-' .. amount) end
    redis.call('HDEL', KEYS[4], id)
    redis.call('ZREM', KEYS[5], id)
  end
  local reserved = tonumber(redis.call('HGET', KEYS[3], 'reserved')) or 0
  local day_spent, month_spent = tonumber(spend[2]) or 0, tonumber(spend[3]) or 0
  if day_budget >= 0 and day_spent + reserved + reserve > day_budget then
    return {'refused', 'day', 86400000 - now % 86400000}
  end
  if month_budget >= 0 and month_spent + reserved + reserve > month_budget then
    return {'refused', 'month', -1}
  end
  redis.call('HSET', KEYS[4], ARGV[1], ARGV[4])
  redis.call('HINCRBY', KEYS[3], 'reserved', ARGV[4])
  redis.call('ZADD', KEYS[5], now + tonumber(ARGV[11]), ARGV[1])
end

if ARGV[14] ~= '0' then redis.call('SET', KEYS[7], ARGV[1], 'PX', ARGV[14]) end
if concurrency >= 0 then redis.call('ZADD', KEYS[6], now + tonumber(ARGV[11]), ARGV[1]) end
remember_rate(counting and 1 or 0, wanted_tokens)
return {'ok', minute}
