-- Tags events in frames (their length in four bytes, least first, and their bytes) as Vector's transform
-- has them tagged: each is the message of a log. Arguments: the folder of the module, the rules.
package.cpath = arg[1] .. "/?.so"
local detector = require("sigmatag").open { rules = arg[2] }
local input = io.stdin:read("a")
local at = 1
while at <= #input do
  local message
  message, at = string.unpack("<s4", input, at)
  local emitted = {}
  detector.tag({ log = { message = message } }, function(event) emitted[#emitted + 1] = event end)
  assert(#emitted == 1, "an event is lost, or is there twice")
  io.stdout:write(string.pack("<s4", emitted[1].log.message))
end
