-- Many events as Vector gives them. Arguments: folder of the module, folder of this file, rules.sgt, events.jsonl.
-- Prints for each event the ids that were detected: from the text, then from the decoded table.
dofile(arg[2] .. "/support.lua")
local detector = sigmatag.open { rules = arg[3] }

-- The ids in a tag, in order.
local function ids(message)
  local tag = message:match('"sigma":(.*)$')
  local found = {}
  for id in tag:gmatch('"id":"([^"]*)"') do found[#found + 1] = id end
  return table.concat(found, " ")
end

local number = 0
for line in io.lines(arg[4]) do
  local source = log(line, { source_type = "file", file = "/var/log/x" })
  local inline = log(line)
  local out = hook(detector.detect, source)
  check(#out <= 1)
  detector.tag(inline)
  equal(inline.log.message, out[1] and out[1].log.message or line)
  if out[1] then
    equal(out[1].log.file, "/var/log/x")
    print(number, ids(out[1].log.message))
  end
  number = number + 1
  if number % 16 == 0 and number < 4000 then collectgarbage() end
end
local stats = detector.stats()
equal(stats.events, 2 * number)
equal(stats.errors + stats.unexamined + stats.malformed, 0)
io.stderr:write(number, " events\n")
done()
