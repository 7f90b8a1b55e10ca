-- Counts one more under KEYS[1] for as long as the window that the first one opened: ARGV[1], in milliseconds.
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return count
