-- Arguments: folder of the module, folder of this file, rules.sgt, other.sgt, a folder to write to
dofile(arg[2] .. "/support.lua")
local function read(path) return assert(io.open(path, "rb")):read("a") end
local first, second = read(arg[3]), read(arg[4])
local path = arg[5] .. "/reloaded.sgt"

-- A new file in place of the old one, as `sigmatag compile` and mv do it.
local function put(bytes)
  local file = assert(io.open(path .. ".new", "wb"))
  file:write(bytes)
  file:close()
  assert(os.rename(path .. ".new", path))
end

local text = '{"statement":"DROP TABLE users"}'
put(first)
local a = sigmatag.open { rules = path }
local b = sigmatag.open { rules = path, tag_key = "x" } -- the same engine
local c = sigmatag.open { rules = path, min_level = "low" } -- another
equal(#a.match_json(text), 2)
equal(a.reload(), false)

put(second)
equal(#a.match_json(text), 2)
equal(a.reload(), true)
equal(a.match_json(text)[1].id, SECOND)
equal(b.match_json(text)[1].id, SECOND)
equal(b.reload(), false)
equal(c.match_json(text)[1].id, DROPPED)
equal(c.reload(), true)
equal(c.match_json(text)[1].id, SECOND)
equal(a.stats().reloads, 1)
equal(a.stats().events, 4)
equal(b.stats().events, 4)

-- a bad file: the old rules stay, and the reason is said each time
for _ = 1, 2 do
  put(first:sub(1, 100))
  local reloaded, why = a.reload()
  equal(reloaded, nil)
  check(why:find("reloaded.sgt", 1, true), why)
  equal(a.match_json(text)[1].id, SECOND)
end
equal(a.stats().failed_reloads, 2)
os.remove(path)
check(select(2, a.reload()):find("reloaded.sgt", 1, true))
equal(a.match_json(text)[1].id, SECOND)

-- opening a configuration that runs reads a changed file; a bad one is refused and harms nobody
refused(function() sigmatag.open { rules = path } end, "reloaded.sgt")
put(first)
local d = sigmatag.open { rules = path }
equal(#d.match_json(text), 2)
equal(#a.match_json(text), 2)

-- the text of a hit is the old rule's until the next event
put(second)
local hits = a.match_json(text)
a.reload()
equal(hits[1].title, "Table dropped")
for n = 1, 50 do
  put(n % 2 == 0 and first or second)
  equal(a.reload(), true)
  equal(a.match_json(text)[1].id, n % 2 == 0 and DROPPED or SECOND)
end
done()
