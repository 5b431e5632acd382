-- Arguments: folder of the module, folder of this file, rules.sgt, a folder to write to
dofile(arg[2] .. "/support.lua")
local rules, folder = arg[3], arg[4]
local open = sigmatag.open

local function write(name, text)
  local path = folder .. "/" .. name
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
  return path
end

local function with(options)
  options.rules = options.rules or rules
  return function() open(options) end
end

-- rule files
refused(with { rules = folder .. "/missing.sgt" }, folder .. "/missing.sgt", "option `rules`")
refused(with { rules = "missing.sgt" }, "working directory: /")
refused(with { rules = folder .. "/rules.yml" }, "sigmatag compile", "rules.yml")
refused(with { rules = write("yaml.sgt", "title: x\ndetection:\n  a: b\n") }, "sigmatag compile")
refused(with { rules = write("empty.sgt", "") }, "empty.sgt")
refused(with { rules = folder }, folder)
local good = assert(io.open(rules, "rb")):read("a")
refused(with { rules = write("short.sgt", good:sub(1, #good // 2)) }, "short.sgt")
local damaged = good:sub(1, -10) .. "\255\254\253" .. good:sub(-6)
refused(with { rules = write("damaged.sgt", damaged) }, "damaged.sgt")
-- The oldest version of a reader that understands the file.
local newer = good:sub(1, 8) .. "\7\0\0\0\7\0\0\0" .. good:sub(17)
refused(with { rules = write("newer.sgt", newer) }, "newer.sgt", "version")

-- options
refused(function() open("rules.sgt") end, "takes a table", "string")
refused(function() open { rules } end, "options have names")
refused(with { rulez = rules }, "no option `rulez`", "rules, disable_rules")
refused(with { rules = "" }, "`rules` is empty")
refused(with { rules = "a\0b" }, "NUL")
refused(with { rules = 5 }, "`rules` is a number")
refused(with { min_level = "hig" }, "`hig`", "informational, low, medium, high, critical")
refused(with { logsource_mode = "all" }, "auto, strict, none")
refused(with { normalize = "splunk" }, "`normalize`: unknown destination `splunk`; known are sekoia, ecs, asim", rules)
refused(function() open { normalize = "splunk" } end, "`normalize`: unknown destination", "(rules: built in)")
refused(with { normalize = true }, "`normalize` is a boolean")
refused(with { normalize = "" }, "`normalize` is empty")
refused(with { tag_format = "json" }, "nested, flat, ecs")
refused(with { tag_format = "flat", tag_key = "x" }, "fixed columns")
refused(with { tag_format = "ecs", tag_key = "rule" }, "tag_key")
refused(with { tag_key = "a\nb" }, "tag_key")
refused(with { tag_key = ("x"):rep(256) }, "256 bytes")
refused(with { logsource = "mysql" }, "two slashes")
refused(with { max_record = 0 }, "max_record")
refused(with { max_record = "many" }, "max_record")
refused(with { max_record = 1 << 40 }, "max_record")
refused(with { split_records = "yes" }, "write true or false")
refused(with { disable_rules = { 5, {} } }, "entry 1")

-- methods
local detector = open { rules = rules }
refused(function() detector.detect() end, "an event of Vector is a table")
refused(function() detector.detect { log = {} } end, "the function that emits")
refused(function() detector.match("x") end, "match_json")
refused(function() detector.match_json {} end, "the text of a JSON object")
refused(function() detector.match_json(nil) end, "nil")
refused(function() detector.tag("x") end, "match_json")
equal(#detector.match_json('{"statement":"DROP TABLE users"}'), 2)

-- nothing of a refused start stays behind: the same file, repaired, opens
local path = write("late.sgt", "")
refused(with { rules = path }, "late.sgt")
write("late.sgt", good)
equal(#open { rules = path }.match_json('{"statement":"DROP TABLE users"}'), 2)
done()
