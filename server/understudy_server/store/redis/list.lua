-- A page of records in one round trip: walks a sorted set, then takes the fields of each record.
--
-- KEYS[1]  the sorted set
-- ARGV     lower bound, upper bound, limit, '1' for descending, what the records' keys begin with, and the kind
--          (quoted; '' when the members name it)
-- Returns for each record its member, version, commit, order, due and body.

local lower, upper, limit, descending, prefix, kind = unpack(ARGV)
local members
if descending == '1' then
  members = redis.call('ZRANGE', KEYS[1], upper, lower, 'BYLEX', 'REV', 'LIMIT', 0, limit)
else
  members = redis.call('ZRANGE', KEYS[1], lower, upper, 'BYLEX', 'LIMIT', 0, limit)
end

local function quote(text)
  text = string.gsub(text, '%z\1', '\0')
  return (string.gsub(text, '[^%w_.~/-]', function(byte)
    return string.format('%%%02X', string.byte(byte))
  end))
end

local found = {}
for number, member in ipairs(members) do
  local stop = string.find(member, '\0\0', 17, true)
  local id = quote(string.sub(member, 17, stop - 1))
  local of = kind
  if of == '' then of = quote(string.sub(member, stop + 2, -3)) end
  local fields = redis.call('HMGET', prefix .. of .. ':' .. id, 'version', 'commit', 'order', 'due', 'body')
  found[number] = {member, unpack(fields)}
end
return found
