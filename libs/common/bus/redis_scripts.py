"""What must be atomic on the Redis side, as Lua scripts, and the names of the keys they touch.

Each queue is a stream of its own that holds exactly the events nobody has settled: publishing copies an event
to every queue that takes its type, settling deletes it. So an unread event is never trimmed, a slow queue
never holds back another one, and the length of a stream is the queue's backlog. All keys share one hash slot.
"""

import re
from collections.abc import Sequence

PREFIX = "bus:{platform.events}:"
BINDINGS = PREFIX + "bindings"
GROUP = "bus"
_WORD = re.compile(r"[a-z][a-z0-9_]*")


def work_stream(queue: str) -> str:
    return PREFIX + queue


def dead_stream(queue: str) -> str:
    return f"{PREFIX}{queue}:dead"


def retry_stream(queue: str, delay_seconds: float) -> str:
    return f"{PREFIX}{queue}:retry:{round(delay_seconds * 1000)}"


def lua_patterns(types: Sequence[str]) -> str:
    """Routing patterns as Lua patterns, one a line: `event.*` takes one more word, `#` takes everything.

    Raises:
        ValueError: Another use of `#`, or a word that no event type can have.
    """
    return "\n".join("^" + _lua_pattern(pattern) + "$" for pattern in types)


def _lua_pattern(pattern: str) -> str:
    if pattern == "#":
        return ".*"
    words = pattern.split(".")
    if not all(word == "*" or _WORD.fullmatch(word) for word in words):
        raise ValueError(f"not a routing pattern: {pattern!r}")
    return "%.".join("[^.]+" if word == "*" else word for word in words)


# KEYS: bindings. ARGV: key prefix, largest backlog, content type, then (type, body) of each event.
# Checks everything before it writes anything, so that a refused batch leaves no trace.
PUBLISH = """
local bindings = redis.call('HGETALL', KEYS[1])
local targets = {}
for i = 4, #ARGV, 2 do
  local found = {}
  for b = 1, #bindings, 2 do
    for pattern in string.gmatch(bindings[b + 1], '[^\\n]+') do
      if string.find(ARGV[i], pattern) then
        found[#found + 1] = bindings[b]
        break
      end
    end
  end
  if #found == 0 then return {'NO_SUBSCRIBER', ARGV[i]} end
  targets[i] = found
end
for b = 1, #bindings, 2 do
  if redis.call('XLEN', ARGV[1] .. bindings[b]) >= tonumber(ARGV[2]) then
    return {'BACKLOG_FULL', bindings[b]}
  end
end
for i = 4, #ARGV, 2 do
  for _, queue in ipairs(targets[i]) do
    redis.call('XADD', ARGV[1] .. queue, '*', 'content_type', ARGV[3], 'body', ARGV[i + 1])
  end
end
return {'OK', ''}
"""

# KEYS: retry stream, work stream. ARGV: delay in ms, most entries to move. Returns ms until the next, or -1.
# Entries of one retry stream have one delay, so their ids (arrival times) are in the order they are due.
PROMOTE = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local delay = tonumber(ARGV[1])
local due = redis.call('XRANGE', KEYS[1], '-', string.format('%.0f', now - delay), 'COUNT', ARGV[2])
for _, entry in ipairs(due) do
  redis.call('XADD', KEYS[2], '*', unpack(entry[2]))
  redis.call('XDEL', KEYS[1], entry[1])
end
local first = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)
if #first == 0 then return -1 end
return math.max(0, tonumber(string.match(first[1][1], '^%d+')) + delay - now)
"""

# KEYS: stream. ARGV: group, consumer. Deleting a consumer drops what it holds, so only an empty one may go.
FORGET_CONSUMER = """
local pending = redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 1, ARGV[2])
if #pending == 0 then redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2]) end
return #pending
"""

# KEYS: dead stream, work stream. ARGV: entry id. An entry that another replay took is left alone.
REVIVE = """
local entry = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])
if #entry == 0 then return 0 end
local fields = {}
for i = 1, #entry[1][2], 2 do fields[entry[1][2][i]] = entry[1][2][i + 1] end
redis.call('XADD', KEYS[2], '*', 'content_type', fields['content_type'], 'body', fields['body'])
redis.call('XDEL', KEYS[1], ARGV[1])
return 1
"""
