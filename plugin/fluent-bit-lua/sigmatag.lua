-- Tags records that match Sigma rules, for Fluent Bit's own filter `lua`: where files may be mounted
-- but no plugin may be loaded. It calls libsigmatag.so.0 by LuaJIT's ffi.
--
--   [FILTER]
--       Name   lua
--       Match  *
--       Script /usr/share/sigmatag/fluent-bit/sigmatag.lua
--       Call   sigmatag
--
-- Options are variables of the environment, SIGMATAG_RULES for `rules`; or, for several filters, a
-- table in a script that then runs this one:
--
--   sigmatag_options = { rules = "/etc/fluent-bit/rules.sgt", raw_key = "log" }
--   dofile("/usr/share/sigmatag/fluent-bit/sigmatag.lua")
--
-- What of a record the detour by Lua's tables loses, and what it costs: docs/fluent-bit-lua.md.
-- Whatever goes wrong while records flow, the record passes as it came, and the log says so at most
-- once a minute.

local DEFAULTS = {
    library = "libsigmatag.so.0", -- a path, or a name that the system finds
    rules = "",                   -- a compiled rule file; "": those that are built in
    raw_key = "",                 -- a text that holds the event: only it is matched
    min_level = "all",
    logsource_mode = "auto",
    logsource = "",               -- product/category/service of all records; "": recognised
    disable_rules = "",           -- ids, separated by commas or blanks
    tag_format = "nested",
    tag_key = "sigma",
    split_records = "off",
    only_matching = "off",
    strip_foreign = "off",
    normalize = "",               -- sekoia, ecs or asim: documents in place of records; "": as they come
    reload_seconds = "0",         -- read the rule file again so often; 0: never
    required = "off",             -- on: Fluent Bit does not start without library or rules
}
local VALUES = {
    min_level = { all = 0, informational = 1, low = 2, medium = 3, high = 4, critical = 5 },
    logsource_mode = { auto = 0, strict = 1, none = 2 },
    tag_format = { nested = 0, flat = 1, ecs = 2 },
}
local SWITCHES = { on = true, ["true"] = true, yes = true, ["1"] = true,
                   off = false, ["false"] = false, no = false, ["0"] = false }

local OK, UNCHANGED, PANIC, POISONED = 0, 1, -5, -4
local MALFORMED, UNEXAMINED = -12, -13
local MSGPACK, ABI_VERSION = 2, 1
local KEEP, REPLACE, DROP = 0, 2, -1 -- answers to Fluent Bit; REPLACE keeps the time

local DECLARATIONS = [[
typedef struct sigmatag sigmatag;
typedef struct sigmatag_scratch sigmatag_scratch;
typedef struct {
  uint32_t struct_size, flags;
  int32_t min_level;
  uint32_t max_record;
  int32_t logsource_mode;
  uint32_t reserved0;
  const char *disable_rules;
  size_t disable_rules_len;
  const char *normalize;
  size_t normalize_len;
  uint64_t reserved[2];
} sigmatag_options;
typedef struct { uint32_t struct_size; int32_t status; uint64_t offset; char message[512]; } sigmatag_error;
typedef struct {
  uint32_t struct_size;
  int32_t format;
  const uint8_t *data;
  size_t len;
  int64_t time_ns;
  const char *tag;
  size_t tag_len;
  const char *logsource;
  size_t logsource_len;
} sigmatag_event;
typedef struct {
  uint32_t struct_size;
  int32_t shape;
  const char *key;
  size_t key_len;
  uint32_t flags, reserved;
} sigmatag_tagging;
uint32_t sigmatag_abi_version(void);
const char *sigmatag_version(void);
const char *sigmatag_status_text(int32_t status);
int32_t sigmatag_init(const char *, size_t, const sigmatag_options *, sigmatag **, sigmatag_error *);
int32_t sigmatag_init_default(const sigmatag_options *, sigmatag **, sigmatag_error *);
int32_t sigmatag_reload(sigmatag *, const char *, size_t, sigmatag_error *);
void sigmatag_free(sigmatag *);
int32_t sigmatag_scratch_new(const sigmatag *, sigmatag_scratch **, sigmatag_error *);
void sigmatag_scratch_free(sigmatag_scratch *);
int32_t sigmatag_tag_prepare(const sigmatag *, sigmatag_scratch *, const sigmatag_event *,
                             const sigmatag_tagging *, size_t *, void *);
int32_t sigmatag_tag_write(sigmatag_scratch *, const uint8_t *, size_t, uint8_t *, size_t, size_t *);
int32_t sigmatag_tag_discard(sigmatag_scratch *);
]]

-- ---- what is said -------------------------------------------------------------------------------

local function log(level, text)
    io.stderr:write(os.date("[%Y/%m/%d %H:%M:%S] "), "[", level, "] [filter:lua:sigmatag] ", text, "\n")
end

-- At most once a minute for each kind; how many there were since.
local said = {}
local function complain(kind, text)
    local now = os.time()
    local last = said[kind] or { time = -60, count = 0 }
    said[kind] = last
    last.count = last.count + 1
    if now - last.time >= 60 or now < last.time then
        log("error", last.count .. " record(s) passed untagged: " .. text)
        last.time, last.count = now, 0
    end
end

-- ---- options ------------------------------------------------------------------------------------

-- All as they are used; raises a text that says which is wrong.
local function read_options()
    local given = rawget(_G, "sigmatag_options") or {}
    for name in pairs(given) do
        if DEFAULTS[name] == nil then
            error("unknown option `" .. tostring(name) .. "`", 0)
        end
    end
    local options = {}
    for name, default in pairs(DEFAULTS) do
        local value = given[name]
        if value == nil then
            value = os.getenv("SIGMATAG_" .. name:upper())
        end
        value = tostring(value == nil and default or value)
        local names, word = VALUES[name], value:lower()
        if names then
            if names[word] == nil then
                local known = {}
                for each in pairs(names) do known[#known + 1] = each end
                table.sort(known)
                error("option `" .. name .. "`: unknown value `" .. value .. "` (values: " ..
                      table.concat(known, ", ") .. ")", 0)
            end
            value = names[word]
        elseif default == "on" or default == "off" then
            if SWITCHES[word] == nil then
                error("option `" .. name .. "`: unknown value `" .. value .. "` (values: on, off)", 0)
            end
            value = SWITCHES[word]
        end
        options[name] = value
    end
    options.reload_seconds = tonumber(options.reload_seconds)
    if options.reload_seconds == nil or options.reload_seconds < 0 then
        error("option `reload_seconds`: give a number of seconds, or 0", 0)
    end
    if options.raw_key ~= "" and options.tag_format == VALUES.tag_format.ecs then
        error("option `raw_key`: an ecs tag is merged into the record, which this does not look at; " ..
              "leave out raw_key, or take tag_format nested or flat", 0)
    end
    return options
end

-- ---- the library --------------------------------------------------------------------------------

local ffi, library, options, engine, scratch, event, tagging, needed, written, fault

local function start()
    local found, module = pcall(require, "ffi")
    if not found then
        error("this Lua has no ffi: it is not LuaJIT, or built without it. Use the filter " ..
              "flb-filter_sigmatag.so, or a Fluent Bit with LuaJIT", 0)
    end
    ffi = module
    options = read_options()
    if ffi.abi("be") or not ffi.abi("64bit") then
        error("sigmatag runs on 64-bit machines whose first byte is the lowest", 0)
    end
    local declared, why = pcall(ffi.cdef, DECLARATIONS)
    if not declared and not tostring(why):find("redefine") then
        error(why, 0)
    end
    local loaded
    loaded, library = pcall(ffi.load, options.library)
    if not loaded then
        error("option `library`: " .. tostring(library) .. ". Repair: install libsigmatag0 or mount " ..
              "libsigmatag.so.0, and give its path", 0)
    end
    local is_ours, version = pcall(function() return library.sigmatag_abi_version() end)
    if not is_ours or version < ABI_VERSION then
        error("option `library`: " .. options.library .. " is no libsigmatag of this version. Repair: " ..
              "install both from the same release", 0)
    end
    fault = ffi.new("sigmatag_error", { struct_size = ffi.sizeof("sigmatag_error") })
    local with = ffi.new("sigmatag_options", {
        struct_size = ffi.sizeof("sigmatag_options"),
        min_level = options.min_level,
        logsource_mode = options.logsource_mode,
        disable_rules = options.disable_rules,
        disable_rules_len = #options.disable_rules,
        normalize = options.normalize,
        normalize_len = #options.normalize,
    })
    local out = ffi.new("sigmatag *[1]")
    local status
    if options.rules == "" then
        status = library.sigmatag_init_default(with, out, fault)
    else
        status = library.sigmatag_init(options.rules, #options.rules, with, out, fault)
    end
    if status ~= OK then
        local why = ffi.string(fault.message)
        local name, wrong = why:match("^options: ([%w_]+)(.*)")
        error("option `" .. (name or "rules") .. "`" .. (wrong or ": " .. why), 0)
    end
    engine = ffi.gc(out[0], library.sigmatag_free)
    event = ffi.new("sigmatag_event", { struct_size = ffi.sizeof("sigmatag_event"), format = MSGPACK })
    event.logsource, event.logsource_len = options.logsource, #options.logsource
    tagging = ffi.new("sigmatag_tagging", {
        struct_size = ffi.sizeof("sigmatag_tagging"),
        shape = options.tag_format,
        key = options.tag_key,
        key_len = #options.tag_key,
        flags = (options.split_records and 1 or 0) + (options.only_matching and 2 or 0) +
            (options.strip_foreign and 4 or 0),
    })
    needed, written = ffi.new("size_t[1]"), ffi.new("size_t[1]")
end

-- One that a bug of the library stopped is of no more use.
local function new_scratch()
    local out = ffi.new("sigmatag_scratch *[1]")
    local status = library.sigmatag_scratch_new(engine, out, nil)
    scratch = status == OK and ffi.gc(out[0], library.sigmatag_scratch_free) or nil
    return status
end

-- ---- msgpack ------------------------------------------------------------------------------------

-- What is written; `room` bytes of memory.
local bytes, len, room
-- For the bytes of numbers.
local number, halves

local function reserve(more)
    if len + more > room then
        room = math.max(room * 2, len + more)
        local larger = ffi.new("uint8_t[?]", room)
        ffi.copy(larger, bytes, len)
        bytes = larger
    end
end

-- The lowest 32 bits, highest byte first.
local function put_word(value)
    reserve(4)
    bytes[len] = bit.band(bit.rshift(value, 24), 255)
    bytes[len + 1] = bit.band(bit.rshift(value, 16), 255)
    bytes[len + 2] = bit.band(bit.rshift(value, 8), 255)
    bytes[len + 3] = bit.band(value, 255)
    len = len + 4
end

local function put_byte(value)
    reserve(1)
    bytes[len] = value
    len = len + 1
end

local function put_head(first, size)
    put_byte(first)
    put_word(size)
end

local function put_text(text)
    local size = #text
    if size < 32 then
        put_byte(0xA0 + size)
    else
        put_head(0xDB, size)
    end
    reserve(size)
    ffi.copy(bytes + len, text, size)
    len = len + size
end

local function put_number(value)
    local is_whole = value % 1 == 0
    if is_whole and value >= 0 and value < 128 then
        put_byte(value)
    elseif is_whole and value > -0x20000000000000 and value < 0x20000000000000 then
        put_head(0xD3, math.floor(value / 0x100000000))
        put_word(value % 0x100000000)
    else -- beyond, Lua's numbers are not exact: Fluent Bit rounded it, and a float says so
        number[0] = value
        put_byte(0xCB)
        for i = 7, 0, -1 do -- this machine's first byte is the lowest
            put_byte(halves[i])
        end
    end
end

local put

-- The number of the last element; nil if it is no array. Holes are null.
local function array_length(value)
    local last = table.maxn(value)
    if last <= 0 then
        return nil
    end
    for key in pairs(value) do
        if type(key) ~= "number" or key < 1 or key % 1 ~= 0 then
            return nil
        end
    end
    return last
end

local function put_table(value)
    local last = array_length(value)
    if last then
        put_head(0xDD, last)
        for i = 1, last do
            put(value[i])
        end
        return
    end
    local at, count = len, 0
    put_head(0xDF, 0)
    for key, member in pairs(value) do
        put(key)
        put(member)
        count = count + 1
    end
    local whole = len
    len = at
    put_head(0xDF, count)
    len = whole
end

function put(value)
    local kind = type(value)
    if kind == "string" then
        put_text(value)
    elseif kind == "number" then
        put_number(value)
    elseif kind == "table" then
        put_table(value)
    elseif kind == "boolean" then
        put_byte(value and 0xC3 or 0xC2)
    else -- null: nil, or the light userdata of newer versions
        put_byte(0xC0)
    end
end

-- What the library wrote is well formed, so that nothing is checked.
local data, at

local function take(size)
    local value = 0
    for i = 0, size - 1 do
        value = value * 256 + data[at + i]
    end
    at = at + size
    return value
end

local function take_text(size)
    local text = ffi.string(data + at, size)
    at = at + size
    return text
end

local get

local function get_array(size)
    local items = {}
    for i = 1, size do
        items[i] = get()
    end
    return items
end

local function get_map(size)
    local members = {}
    for _ = 1, size do
        local key = get()
        members[key] = get()
    end
    return members
end

local function get_float(size)
    if size == 4 then
        local single = ffi.new("union { float number; uint8_t bytes[4]; }")
        for i = 0, 3 do single.bytes[3 - i] = data[at + i] end
        at = at + 4
        return tonumber(single.number)
    end
    for i = 0, 7 do halves[7 - i] = data[at + i] end
    at = at + 8
    return number[0]
end

-- From the first byte with its sign on: exact as far as Lua's numbers are.
local function get_signed(size)
    local first = data[at]
    local value = first < 0x80 and first or first - 0x100
    at = at + 1
    for _ = 2, size do
        value = value * 256 + take(1)
    end
    return value
end

local READERS = {
    [0xC0] = function() return rawget(_G, "flb_null") end,
    [0xC2] = function() return false end,
    [0xC3] = function() return true end,
    [0xCA] = function() return get_float(4) end,
    [0xCB] = function() return get_float(8) end,
}
for i = 0, 3 do
    READERS[0xCC + i] = function() return take(2 ^ i) end
    READERS[0xD0 + i] = function() return get_signed(2 ^ i) end
end
for i = 0, 2 do
    READERS[0xC4 + i] = function() return take_text(take(2 ^ i)) end
    READERS[0xD9 + i] = READERS[0xC4 + i]
end
for i = 1, 2 do
    READERS[0xDB + i] = function() return get_array(take(2 ^ i)) end
    READERS[0xDD + i] = function() return get_map(take(2 ^ i)) end
end

function get()
    local first = take(1)
    if first < 0x80 then return first end
    if first < 0x90 then return get_map(first - 0x80) end
    if first < 0xA0 then return get_array(first - 0x90) end
    if first < 0xC0 then return take_text(first - 0xA0) end
    if first >= 0xE0 then return first - 0x100 end
    return READERS[first]()
end

-- ---- records ------------------------------------------------------------------------------------

-- The key under which a text is opened, see docs/sources.md.
local WRAPPER = "log"

-- What the library made of the record: maps, one behind the other.
local function read_records(size)
    local records = {}
    data, at = written.bytes, 0
    while at < size do
        records[#records + 1] = get()
    end
    return records
end

-- Puts the tag of a wrapper into the record that the text is of. A document stands for all of that.
local function of_wrapper(wrapped, record)
    if type(wrapped[WRAPPER]) ~= "string" then -- documents of some destinations have an object there
        return wrapped
    end
    local own = {}
    for key, value in pairs(record) do own[key] = value end
    for key, value in pairs(wrapped) do
        if key == WRAPPER then
            own[options.raw_key] = value
        else
            own[key] = value
        end
    end
    return own
end

local reloaded = os.time()
local function reload_if_due()
    local now = os.time()
    if now - reloaded < options.reload_seconds and now >= reloaded then
        return
    end
    reloaded = now
    if library.sigmatag_reload(engine, options.rules, #options.rules, fault) ~= OK then
        log("error", "the old rules stay in force: " .. ffi.string(fault.message))
    end
end

local function write_tagged(size)
    if size > written.room then
        written.room = math.max(size, 2 * written.room)
        written.bytes = ffi.new("uint8_t[?]", written.room)
    end
    local status = library.sigmatag_tag_write(scratch, bytes, len, written.bytes, size, written.size)
    if status ~= OK then
        library.sigmatag_tag_discard(scratch)
    end
    return status
end

local function fail(status)
    if status == PANIC or status == POISONED then
        scratch = nil
    end
    local kind = status == MALFORMED and "malformed" or status == UNEXAMINED and "unexamined" or "failed"
    complain(kind, ffi.string(library.sigmatag_status_text(status)))
    return KEEP, 0, 0
end

local function tag_record(tag, record)
    if options.reload_seconds > 0 and options.rules ~= "" then
        reload_if_due()
    end
    if scratch == nil then
        local status = new_scratch()
        if status ~= OK then
            return fail(status)
        end
    end
    local raw = options.raw_key ~= "" and record[options.raw_key]
    local is_raw = type(raw) == "string"
    len = 0
    if is_raw then
        put_byte(0x81)
        put_text(WRAPPER)
        put_text(raw)
    else
        put(record)
    end
    event.data, event.len, event.tag, event.tag_len = bytes, len, tag, #tag
    local status = library.sigmatag_tag_prepare(engine, scratch, event, tagging, needed, nil)
    if status == UNCHANGED then
        return KEEP, 0, 0
    end
    local size = tonumber(needed[0])
    if status == OK then
        status = write_tagged(size)
    end
    if status ~= OK then
        return fail(status)
    end
    local records = read_records(size)
    if is_raw then
        for i = 1, #records do records[i] = of_wrapper(records[i], record) end
    end
    if #records == 0 then
        return DROP, 0, 0
    end
    return REPLACE, 0, #records == 1 and records[1] or records
end

local started, reason = pcall(start)
if started then
    written = { size = written, bytes = ffi.new("uint8_t[?]", 4096), room = 4096 }
    bytes, len, room = ffi.new("uint8_t[?]", 4096), 0, 4096
    number = ffi.new("double[1]")
    halves = ffi.cast("uint8_t *", number)
    log("info", "rules from " .. (options.rules ~= "" and options.rules or "the library") .. "; sigmatag " ..
        ffi.string(library.sigmatag_version()))
end
local is_refused = not started and options ~= nil and options.required
if not started then
    log("error", (is_refused and "Fluent Bit is not to start: " or "records pass untagged: ") ..
        tostring(reason))
end

-- Without the function, Fluent Bit does not start.
if not is_refused then
    function sigmatag(tag, _, record)
        if not started then
            complain("start", tostring(reason))
            return KEEP, 0, 0
        end
        local went_well, code, time, changed = pcall(tag_record, tag, record)
        if not went_well then
            complain("script", tostring(code))
            return KEEP, 0, 0
        end
        return code, time, changed
    end
end
