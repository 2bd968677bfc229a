-- One commit: every operation is judged, then all are applied. Redis runs nothing else meanwhile.
--
-- KEYS[1] has the hash tag of the partition; all other names below have the same one.
-- ARGV    channel and message of the announcement, then the operations, each a letter and its fields:
--   P key expected version commit order due body indexes...   write a record; indexes: count, then (set, member)
--   D key expected                                            delete it
--   C key expected                                            only judge
--   A key first entries...                                    append; entries: count, then (last, first, body)
--   X key                                                     drop a log
-- An expected version of "" stands for an absent record. Returns 1, or 0 for a conflict, which changes nothing.

local at = 3
local function take()
  at = at + 1
  return ARGV[at - 1]
end
local function take_list(width)
  local list = {}
  for number = 1, take() * width do
    list[number] = take()
  end
  return list
end

local operations = {}
while at <= #ARGV do
  local operation = {letter = take(), key = take()}
  local letter = operation.letter
  if letter == 'P' then
    operation.expected, operation.version, operation.commit = take(), take(), take()
    operation.order, operation.due, operation.body = take(), take(), take()
    operation.indexes = take_list(2)
  elseif letter == 'A' then
    operation.first, operation.entries = take(), take_list(3)
  elseif letter ~= 'X' then
    operation.expected = take()
  end
  operations[#operations + 1] = operation
end

-- Ids of streams are pairs of numbers too long for Lua's, without leading zeros.
local function compare(a, b)
  if #a ~= #b then return #a < #b and -1 or 1 end
  if a == b then return 0 end
  return a < b and -1 or 1
end
local function is_before(a, b)
  local a1, a2 = string.match(a, '(%d+)-(%d+)')
  local b1, b2 = string.match(b, '(%d+)-(%d+)')
  local first = compare(a1, b1)
  return first < 0 or (first == 0 and compare(a2, b2) < 0)
end

for _, operation in ipairs(operations) do
  if operation.expected then
    if (redis.call('HGET', operation.key, 'version') or '') ~= operation.expected then return 0 end
  elseif operation.letter == 'A' then
    local last = redis.call('XREVRANGE', operation.key, '+', '-', 'COUNT', 1)
    if #last == 1 and not is_before(last[1][1], operation.first) then return 0 end
  end
end

local function unlist(key)
  local indexes = cmsgpack.unpack(redis.call('HGET', key, 'indexes'))
  for number = 1, #indexes, 2 do
    redis.call('ZREM', indexes[number], indexes[number + 1])
  end
end

for _, operation in ipairs(operations) do
  local key = operation.key
  if operation.letter == 'P' then
    local indexes = cmsgpack.pack(operation.indexes)
    local before = redis.call('HGET', key, 'indexes')
    if before ~= indexes then
      if before then unlist(key) end
      for number = 1, #operation.indexes, 2 do
        redis.call('ZADD', operation.indexes[number], 0, operation.indexes[number + 1])
      end
    end
    redis.call('HSET', key, 'version', operation.version, 'commit', operation.commit,
      'order', operation.order, 'due', operation.due, 'body', operation.body, 'indexes', indexes)
  elseif operation.letter == 'D' then
    unlist(key)
    redis.call('DEL', key)
  elseif operation.letter == 'A' then
    for number = 1, #operation.entries, 3 do
      redis.call('XADD', key, operation.entries[number],
        'first', operation.entries[number + 1], 'body', operation.entries[number + 2])
    end
  elseif operation.letter == 'X' then
    redis.call('UNLINK', key)
  end
end

-- A hint: what was written above stands, whether the user may publish or not.
redis.pcall('PUBLISH', ARGV[1], ARGV[2])
return 1
