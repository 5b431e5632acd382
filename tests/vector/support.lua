-- What the test scripts share. Arguments: folder of the module, then files of the test.
package.cpath = arg[1] .. "/?.so"
sigmatag = require("sigmatag")

DROPPED = "5a1f3f0e-8f5e-4f5b-9a3e-0d4f2d9b6c01"
USERS = "5a1f3f0e-8f5e-4f5b-9a3e-0d4f2d9b6c02"
SECOND = "5a1f3f0e-8f5e-4f5b-9a3e-0d4f2d9b6c11"

local checks = 0

function check(is, what)
  checks = checks + 1
  if not is then error("failed: " .. (what or "check"), 2) end
end

function equal(found, wanted)
  checks = checks + 1
  if found ~= wanted then
    error(("found %s, wanted %s"):format(tostring(found), tostring(wanted)), 2)
  end
end

-- An error of this call that holds each of the texts.
function refused(call, ...)
  local ok, message = pcall(call)
  check(not ok, "no error")
  for _, part in ipairs { ... } do
    check(tostring(message):find(part, 1, true), ("`%s` is not in: %s"):format(part, tostring(message)))
  end
end

local function copy(value)
  if type(value) ~= "table" then return value end
  local out = {}
  for key, inner in pairs(value) do out[key] = copy(inner) end
  return out
end

-- Calls a hook as Vector does; what it emitted, each as it was at that moment.
function hook(process, event)
  local emitted = {}
  process(event, function(one) emitted[#emitted + 1] = copy(one) end)
  return emitted
end

function log(message, more)
  local fields = { message = message, host = "db1", timestamp = { year = 2026, month = 1, day = 2, sec = 3 } }
  for key, value in pairs(more or {}) do fields[key] = value end
  return { log = fields }
end

function done()
  print(checks .. " checks, 0 failed")
end
