-- Arguments: folder of the module, folder of this file, rules.sgt
dofile(arg[2] .. "/support.lua")
local rules = arg[3]
local detector = sigmatag.open { rules = rules }
check(sigmatag.version:match("^%d+%.%d+%.%d+$"))

-- match_json
local hits = detector.match_json('{"statement":"DROP TABLE users"}')
equal(#hits, 2)
equal(hits[1].id, DROPPED)
equal(hits[1].title, "Table dropped")
equal(hits[1].level, "high")
equal(hits[1].author, "sigmatag tests")
equal(hits[1].tags, "attack.impact,attack.t1485")
equal(hits[1].event, 0)
equal(hits[2].id, USERS)
equal(hits[2].author, nil)
equal(detector.match_json('{"statement":"SELECT 1"}'), nil)
equal(select("#", detector.match_json('{"statement":"SELECT 1"}')), 1)
equal(#detector:match_json('{"statement":"DROP TABLE users"}'), 2) -- a colon is no mistake
local nothing, why = detector.match_json('{"statement":"DROP TABLE users"')
equal(nothing, nil)
check(#why > 10)
check(select(2, detector.match_json("plain text")))
check(select(2, detector.match_json("")))
local many = detector.match_json('{"records":[{"statement":"x"},{"statement":"DROP TABLE users"}]}')
check(many == nil or many[1].event >= 0)

-- match
equal(#detector.match { statement = "DROP TABLE users" }, 2)
equal(detector.match { statement = "SELECT 1", n = 1, x = 1.5, yes = true, list = { 1, 2 }, map = { a = {} } }, nil)

-- detect: the text in `message`
local text = '{"a":null,"b":[],"statement":"DROP TABLE users","n":1.50}'
local out = hook(detector.detect, log(text))
equal(#out, 1)
local message = out[1].log.message
equal(message:sub(1, #text - 1), text:sub(1, -2)) -- not a byte of it is another
check(message:find('"sigma":{', 1, true) and message:find(DROPPED, 1, true) and message:find(USERS, 1, true))
equal(out[1].log.host, "db1")
equal(out[1].log.timestamp.year, 2026)
equal(out[1].log.sigma, nil)
equal(#hook(detector.detect, log('{"statement":"SELECT 1"}')), 0)
equal(#hook(detector.detect, log('  \n{"statement":"DROP TABLE users"}')), 1)

-- detect: a decoded event, and a text that is no JSON
out = hook(detector.detect, { log = { statement = "DROP TABLE users", n = 7 } })
equal(#out, 1)
equal(out[1].log.sigma.rules[1].id, DROPPED)
equal(out[1].log.sigma.rules[2].id, USERS)
equal(out[1].log.sigma.level, "high")
equal(#out[1].log.sigma.ruleset > 10, true)
equal(out[1].log.n, 7)
equal(#hook(detector.detect, log("DROP TABLE users")), 0)
out = hook(detector.detect, log("a line", { statement = "DROP TABLE t" }))
equal(out[1].log.message, "a line")
equal(#out[1].log.sigma.rules, 1)

-- broken JSON is matched as the text it is, beside the other fields
local before = detector.stats()
equal(#hook(detector.detect, log('{"broken":', { statement = "DROP TABLE t" })), 1)
equal(#hook(detector.detect, log('{"broken":')), 0)
local after = detector.stats()
equal(after.malformed - before.malformed, 2)
equal(after.events - before.events, 2)
equal(after.matched - before.matched, 1)
equal(after.errors, 0)

-- what is no log is none of ours
equal(#hook(detector.detect, { metric = { name = "x" } }), 0)
equal(#hook(detector.tag, { metric = { name = "x" } }), 1)
equal(detector.stats().skipped - after.skipped, 2)

-- tag: every event goes on
out = hook(detector.tag, log(text))
equal(out[1].log.message, message)
out = hook(detector.tag, log('{"statement":"SELECT 1"}'))
equal(out[1].log.message, '{"statement":"SELECT 1"}')
local event = log("x", { statement = "DROP TABLE users" })
equal(detector.tag(event), true)
equal(#event.log.sigma.rules, 2)
equal(detector.tag(log("x")), false)
equal(detector.tag(log('{"broken":')), false)

-- too large, too deep, no data: never lost, always counted
local small = sigmatag.open { rules = rules, max_record = 1000 }
local large = '{"statement":"DROP TABLE users","x":"' .. ("x"):rep(1000) .. '"}'
out = hook(small.detect, log(large))
equal(#out, 1)
equal(out[1].log.message, large)
check(#out[1].log.sigmatag_error > 10)
out = hook(small.tag, log(large))
equal(#out, 1)
equal(out[1].log.message, large)
equal(select(2, small.match { x = ("x"):rep(1000) }), "the event is larger than max_record")
equal(small.stats().unexamined, 3)
equal(small.stats().events, 3)
local quiet = sigmatag.open { rules = rules, max_record = 1000, emit_unexamined = false }
equal(#hook(quiet.detect, log(large)), 0)
equal(quiet.stats().unexamined, 4) -- of the same configuration: one engine
local deep = {}
for _ = 1, 63 do deep = { x = deep } end
equal(detector.match(deep), nil)
equal(select("#", detector.match(deep)), 1)
deep = { x = { x = deep } }
check(select(2, detector.match(deep)))
local itself = {}
itself.a, itself.b, itself.c = itself, itself, itself
check(select(2, detector.match(itself)))
out = hook(detector.detect, { log = { message = "x", f = print } })
check(out[1].log.sigmatag_error:find("function", 1, true))
equal(select(2, detector.match { [{}] = 1 }), "the event holds a table, which is no data")
check(detector.stats().errors >= 2)

-- shapes of tags, keys, fields
local flat = sigmatag.open { rules = rules, tag_format = "flat" }
out = hook(flat.detect, { log = { statement = "DROP TABLE users" } })
equal(#out[1].log.SigmaIds, 2)
equal(out[1].log.SigmaLevel, "high")
equal(out[1].log.sigma, nil)
local ecs = sigmatag.open { rules = rules, tag_format = "ecs", tag_key = "mark" }
out = hook(ecs.detect, { log = { statement = "DROP TABLE users", event = { mine = true } } })
equal(out[1].log.event.mine, true)
check(out[1].log.rule and out[1].log.mark)
local keyed = sigmatag.open { rules = rules, tag_key = "detected", field = "raw" }
out = hook(keyed.detect, { log = { raw = text, message = "other" } })
check(out[1].log.raw:find('"detected":{', 1, true))
equal(out[1].log.message, "other")

-- tags that came along
local strip = sigmatag.open { rules = rules, strip_foreign = true }
event = { log = { statement = "SELECT 1", sigma = { rules = {} } } }
equal(strip.tag(event), false)
equal(event.log.sigma, nil)
event = log('{"statement":"SELECT 1","sigma":{"rules":[]}}')
strip.tag(event)
equal(event.log.message, '{"statement":"SELECT 1"}')

-- levels, rules that are off, log sources
local high = sigmatag.open { rules = rules, min_level = "High" }
equal(#high.match_json('{"statement":"DROP TABLE users"}'), 1)
local off = sigmatag.open { rules = rules, disable_rules = { USERS, "no-such-rule" } }
equal(#off.match_json('{"statement":"DROP TABLE users"}'), 1)
equal(off.stats().disabled_rules, 1)
equal(off.stats().unknown_disabled_rules, 1)
off = sigmatag.open { rules = rules, disable_rules = USERS .. ", " .. DROPPED }
equal(off.match_json('{"statement":"DROP TABLE users"}'), nil)
local other = sigmatag.open { rules = rules, logsource = "windows/-/sysmon" }
equal(other.match_json('{"statement":"DROP TABLE users"}'), nil)
local strict = sigmatag.open { rules = rules, logsource_mode = "strict" }
equal(strict.match_json('{"statement":"DROP TABLE users"}'), nil)
equal(strict.stats().unrouted, 1)
strict = sigmatag.open { rules = rules, logsource_mode = "strict", logsource = "mysql//audit" }
equal(#strict.match_json('{"statement":"DROP TABLE users"}'), 2)

-- the built-in pack, and what it says of sources
local pack = sigmatag.open()
check(pack.stats().rules > 10)
local azure = '{"category":"MySqlAuditLogs","properties":{"event_class":"general_log","sql_text":"%s"}}'
pack.match_json(azure:format("SELECT 1"))
equal(pack.stats().sources["azure-mysql"].events, 1)
equal(pack.reload(), false)
-- A known source is opened wherever it is wrapped.
local bad = azure:format("SELECT LOAD_FILE('/etc/passwd')")
check(#pack.match_json(bad) > 0)
check(#pack.match { message = bad } > 0)
check(#pack.match { message = "20260101 10:00:00,db1,root,localhost,1,2,QUERY,shop,'SELECT LOAD_FILE(''/etc/passwd'')',0" } > 0)

-- an envelope: one alert for each of its events that match
local split = sigmatag.open { rules = arg[4], split_records = true }
local whole = sigmatag.open { rules = arg[4] }
local records = {}
for n = 1, 5 do
  local sql = n % 2 == 0 and ('{\\"]} SELECT LOAD_FILE(\'/etc/passwd\') %d'):format(n) or "SELECT 1"
  records[n] = azure:format(sql)
end
local envelope = '{"records":[' .. table.concat(records, ",\n ") .. "]}"
out = hook(split.detect, log(envelope))
equal(#out, 2)
for n, one in ipairs(out) do
  check(one.log.message:find(("passwd') %d"):format(2 * n), 1, true))
  check(one.log.message:find('"sigma":{', 1, true))
  equal(one.log.host, "db1")
end
equal(#hook(whole.detect, log(envelope)), 1)
equal(#hook(split.detect, log(records[2])), 1)
equal(#hook(split.detect, log(records[1])), 0)

-- emit raises: the error is Lua's, and the detector is as it was
local ok, raised = pcall(detector.detect, log(text), function() error("sink is gone") end)
check(not ok and raised:find("sink is gone", 1, true))
equal(#hook(detector.detect, log(text)), 1)

-- what is collected is closed; another of the same configuration still works
local weak = setmetatable({ sigmatag.open { rules = rules } }, { __mode = "v" })
for _ = 1, 100 do weak[1] = sigmatag.open { rules = rules } end
collectgarbage()
collectgarbage()
equal(weak[1], nil)
equal(#detector.match_json('{"statement":"DROP TABLE users"}'), 2)
for n = 1, 2000 do
  hook(detector.detect, log(n % 2 == 0 and text or '{"broken":'))
  if n % 16 == 0 then collectgarbage() end
end
done()
