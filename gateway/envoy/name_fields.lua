-- Turns the transcoder's sentence about a bad value into field violations, so that a client finds the field where
-- it also finds the fields that a service refuses. Texts are taken from a JSON string and put back into one: they
-- stay escaped all the way.

local EXPECTED = {
  TYPE_STRING = "a string",
  TYPE_BOOL = "true or false",
  TYPE_DOUBLE = "a number",
  TYPE_FLOAT = "a number",
  TYPE_INT32 = "a 32-bit integer",
  TYPE_INT64 = "a 64-bit integer",
  TYPE_ENUM = "a name of the enumeration",
  ["type.googleapis.com/google.protobuf.Timestamp"] = "a time such as 2026-01-31T20:00:00Z",
  ["type.googleapis.com/google.protobuf.Duration"] = "a duration such as 90s",
}

-- Longer values are not repeated to the client.
local LONGEST_QUOTE = 80

local function as_json_name(path)
  return (path:gsub("_(%l)", string.upper))
end

-- The field and what is wrong with it, or nil when the sentence names none.
local function violation(text)
  local name = text:match('^Could not find field \\"(.-)\\" in the type')
  if name then
    return name, "unknown query parameter"
  end
  name = text:match("Starting an? %l+ on a scalar field for type ([%w_]+)$")
  if name then
    return as_json_name(name), "expected a single value"
  end
  local path, value, kind = text:match("^([%w_][^:]*): invalid value (.*) for type ([%w_./]+)$")
  if not path then
    return nil
  end
  local wanted = EXPECTED[kind] or (kind:find("^type") and "an object") or kind
  if value:find("^Field '") or #value > LONGEST_QUOTE then
    return as_json_name(path), "expected " .. wanted
  end
  return as_json_name(path), "expected " .. wanted .. ", got " .. value
end

function envoy_on_response(handle)
  if handle:headers():get("x-refused-by") ~= "transcoder" then
    return
  end
  handle:headers():remove("x-refused-by")
  local body = handle:body()
  if not body then
    return
  end
  local text = body:getBytes(0, body:length()):match('"message":"(.*)"}%s*$')
  if not text then
    return
  end
  text = text:gsub("^: ", "")
  local details = '{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"@REASON@","domain":"@DOMAIN@","metadata":{}}'
  local field, description = violation(text)
  if field then
    text = field .. ": " .. description
    details = details .. ',{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{"field":"'
      .. field .. '","description":"' .. description .. '"}]}'
  end
  body:setBytes('{"code":3,"message":"' .. text .. '","details":[' .. details .. "]}")
end
