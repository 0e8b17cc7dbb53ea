-- The end of a flight that brought nothing to keep: whoever waits for it goes on by itself.
--
-- KEYS  1 flight
-- ARGV  1 request id

if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
