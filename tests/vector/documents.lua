-- Arguments: folder of the module, folder of this file, a folder with records, with a line of MariaDB, and with what the
-- command makes of the records for each destination.
dofile(arg[2] .. "/support.lua")

local function lines(name)
  local all = {}
  for line in io.lines(arg[3] .. "/" .. name) do all[#all + 1] = line end
  return all
end

local records, mariadb = lines("records"), lines("mariadb")[1]
equal(#records, 4)

-- texts: the document is the text
for _, destination in ipairs { "sekoia", "ecs", "asim" } do
  local right = lines(destination)
  equal(#right, 5) -- the last two are of the envelope
  local detector = sigmatag.open { normalize = destination }
  local tagged, detected = {}, {}
  for _, record in ipairs(records) do
    for _, one in ipairs(hook(detector.tag, log(record))) do tagged[#tagged + 1] = one.log end
    for _, one in ipairs(hook(detector.detect, log("\n" .. record .. " \n"))) do detected[#detected + 1] = one.log end
  end
  equal(#tagged, 5)
  for n, one in ipairs(tagged) do
    equal(one.message, right[n])
    equal(one.host, "db1")
  end
  equal(#detected, 2)
  equal(detected[1].message, "\n" .. right[1] .. " \n") -- blanks around a record are none of ours
  equal(detected[2].message, right[5])
  local stats = detector.stats()
  equal(stats.normalized, 8)
  equal(stats.unmapped, 2)
  equal(stats.errors + stats.malformed + stats.unexamined, 0)
  equal(stats.matched, 4)
end

-- in its place: only what is one event
local sekoia = sigmatag.open { normalize = "sekoia" }
local right = lines("sekoia")
local event = log(records[1])
equal(sekoia.tag(event), true)
equal(event.log.message, right[1])
event = log(records[2])
equal(sekoia.tag(event), false)
equal(event.log.message, right[2])
event = log('{"records":[' .. records[1] .. "]} ")
equal(sekoia.tag(event), true)
equal(event.log.message, right[1] .. " ")
local errors = sekoia.stats().errors
for _, envelope in ipairs { records[4], records[4] .. "\n" } do
  event = log(envelope)
  local is, why = sekoia.tag(event)
  equal(is, nil)
  check(why:find("give tag the function that emits", 1, true))
  equal(event.log.message, envelope)
end
equal(sekoia.stats().errors - errors, 2)

-- rules are asked as ever
check(#sekoia.match_json(records[1]) > 0)
equal(sekoia.match_json(records[2]), nil)

-- decoded events: the log becomes the document
local function session(sql)
  return { category = "MySqlAuditLogs", LogicalServerName = "shop-db-1", time = "2026-03-04T05:06:07Z",
           properties = { event_class = "general_log", event_subclass = "LOG", error_code = 0, ip = "203.0.113.9",
                          user = "app", connection_id = 7304735, sql_text = sql } }
end
local function vectors(more)
  local event = log(nil, more)
  event.log.source_type = "file"
  return event
end
local out = hook(sekoia.tag, vectors(session("DROP TABLE orders")))
equal(#out, 1)
local document = out[1].log
equal(document.source.ip, "203.0.113.9")
equal(document.related.user[1], "app")
equal(document["action"].type, "general_log")
check(document.message:find("DROP TABLE orders", 1, true))
check(#document.sigma.rules > 0)
equal(document.properties, nil)
equal(document.source_type, nil)
equal(document.timestamp.year, 2026) -- sekoia has no time of the event's own
event = vectors(session("DROP TABLE orders"))
equal(sekoia.tag(event), true)
equal(event.log.source.ip, "203.0.113.9")
equal(#hook(sekoia.detect, vectors(session("DROP TABLE orders"))), 1)
equal(#hook(sekoia.detect, vectors(session("SELECT 1"))), 0)

local ecs = sigmatag.open { normalize = "ecs", tag_format = "ecs" }
document = hook(ecs.detect, vectors(session("DROP TABLE orders")))[1].log
equal(document["@timestamp"], "2026-03-04T05:06:07Z")
equal(document.timestamp, nil)
equal(document.mysql.thread_id, 7304735)
equal(math.type(document.mysql.thread_id), "integer")
check(document.rule and document.event.module == "mysql")

local asim = sigmatag.open { normalize = "asim", tag_format = "flat" }
document = hook(asim.tag, vectors(session("DROP TABLE orders")))[1].log
equal(document.EventSchema, "AuditEvent")
equal(document.EventCount, 1)
check(#document.SigmaIds > 0)

-- an envelope of decoded events
local envelope = { records = { session("SELECT 1"), session("DROP TABLE orders"), session("SELECT 2") } }
out = hook(sekoia.tag, vectors(envelope))
equal(#out, 3)
for n, one in ipairs(out) do
  equal(one.log.user.name, "app")
  equal(one.log.timestamp.year, 2026)
  equal(one.log.sigma ~= nil, n == 2)
end
out = hook(sekoia.detect, vectors(envelope))
equal(#out, 1)
check(out[1].log.message:find("DROP TABLE orders", 1, true) and out[1].log.sigma)
event = vectors(envelope)
equal(sekoia.tag(event), nil)
equal(#event.log.records, 3)

-- `emit` may call the detector: what is still to come is not touched
local texts = {}
sekoia.tag(vectors(envelope), function(one)
  texts[#texts + 1] = one.log.message:match('"sql_text":"([^"]*)"')
  sekoia.tag(vectors(session("SELECT 3")), function() end)
end)
equal(table.concat(texts, ";"), "SELECT 1;DROP TABLE orders;SELECT 2")

-- a line of text is decoded by its source; a line of nothing known stays as it is
out = hook(ecs.detect, log(mariadb))
equal(#out, 1)
document = out[1].log
equal(document.message, mariadb)
equal(document.db.statement, 'SELECT LOAD_FILE("/etc/passwd")')
equal(document.host.name, "shop-db-2") -- of the event, not of Vector
check(document.timestamp and document.rule)
event = vectors { message = "hello" }
equal(ecs.tag(event), false)
equal(event.log.message, "hello")
equal(event.log.host, "db1")

-- what no document is for is tagged as it is
local rules = sigmatag.open { normalize = "sekoia", tag_key = "found", logsource_mode = "none" }
event = vectors { sql_text = "x", message = "SELECT LOAD_FILE('/etc/passwd')" }
local before = rules.stats().unmapped
rules.tag(event)
equal(event.log.message, "SELECT LOAD_FILE('/etc/passwd')")
equal(rules.stats().unmapped - before, 1)
for n = 1, 200 do
  hook(sekoia.detect, vectors(envelope))
  hook(sekoia.tag, log(records[4]))
  if n % 16 == 0 then collectgarbage() end
end
done()
