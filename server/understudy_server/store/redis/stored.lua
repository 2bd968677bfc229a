-- A record with the names of the sorted sets in which it stands.
--
-- KEYS[1]  the record
-- Returns its version, commit, order, due and body, then its indexes: name and member, one after the other.

local fields = redis.call('HMGET', KEYS[1], 'version', 'commit', 'order', 'due', 'body', 'indexes')
if fields[6] then fields[6] = cmsgpack.unpack(fields[6]) end
return fields
