-- Draws from the buckets KEYS as Limit::draw (model/limit.rs) does, from all or none. Returns the index, from 1, of the
-- empty bucket with the longest wait, and that wait in milliseconds, or 0 twice. If there is a value to store, the last
-- key is its key.
--
-- ARGV: now, the clock skew, whether to draw, whether to store a value; two for each bucket (milliseconds to refill by
-- one, and completely); the value and its lifetime in milliseconds.
local now, skew, draws, keeps = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3] == '1', ARGV[4] == '1'
local count = #KEYS
if keeps then count = count - 1 end
local drawn, longest, place = {}, 0, 0
for i = 1, count do
  local every, span = tonumber(ARGV[3 + 2 * i]), tonumber(ARGV[4 + 2 * i])
  local full = tonumber(redis.call('GET', KEYS[i]) or now)
  if full > now + span + skew then full = now end
  full = math.min(math.max(full, now), now + span)
  drawn[i] = full + every
  local wait = drawn[i] - now - span
  if wait > longest then longest, place = wait, i end
end
if place > 0 then return {place, longest} end
if draws then
  for i = 1, count do
    local life = string.format('%d', math.max(drawn[i] - now, 1))
    redis.call('SET', KEYS[i], string.format('%d', drawn[i]), 'PX', life)
  end
end
if keeps then redis.call('SET', KEYS[count + 1], ARGV[5 + 2 * count], 'PX', ARGV[6 + 2 * count]) end
return {0, 0}
