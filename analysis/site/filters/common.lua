-- What the parts of the filter share: the context from Python, numbers and the ids that got one, errors, and checks
-- of classes and attributes.

local common = {
  context = {},                -- classes (allow list), numbers (for `num`), words (of the page's language), settings
  allowed = pandoc.List {},
  words = {},                  -- of the page's language: kind of a numbered thing, of a callout, of a proof -> its name
  ANYWHERE = pandoc.List { "lang", "role", "drafted-by" }, -- attributes that any element may have
  labels = {},                 -- id -> {kind, number, letter}
  -- How the id of a numbered thing begins, and what its word is found by; set by strata.lua.
  KINDS = {},
  convert = nil,               -- set by strata.lua: boxes and floats hold blocks, and blocks hold boxes and floats
}

-- Ends pandoc. `needles` are strings that stand together on the faulty line; Python finds the line by them,
-- because pandoc's Markdown reader keeps no positions.
function common.fail(message, needles)
  io.stderr:write("STRATA " .. pandoc.json.encode({ message = message, needles = needles }) .. "\n")
  os.exit(65)
end

function common.fail_twice(id)
  local message = "the id " .. id .. " is used twice on this page"
  io.stderr:write("STRATA " .. pandoc.json.encode({ message = message, again = id }) .. "\n")
  os.exit(65)
end

-- The word in front of the numbers of a kind.
function common.word(kind)
  return common.words[common.KINDS[kind] or kind]
end

local counts = {}

-- Gives the next number of its kind to an id: `Figure 3`.
function common.label(kind, id)
  if common.labels[id] then common.fail_twice(id) end
  counts[kind] = (counts[kind] or 0) + 1
  common.labels[id] = { kind = kind, number = tostring(counts[kind]) }
  return common.word(kind) .. "\u{A0}" .. counts[kind]
end

function common.escape(text)
  return (text:gsub("&", "&amp;"):gsub("<", "&lt;"):gsub(">", "&gt;"):gsub('"', "&quot;"))
end

function common.raw(html) return pandoc.RawBlock("html", html) end
function common.raw_inline(html) return pandoc.RawInline("html", html) end

-- "fig" of "fig-x", nil of an id that gets no number.
function common.kind_of(id)
  local kind = id:match("^(%a+)%-.")
  return common.KINDS[kind or ""] and kind or nil
end

function common.check_classes(el, where, needle)
  for _, class in ipairs(el.classes) do
    if not common.allowed:includes(class) then
      common.fail("unknown class ." .. class .. " on " .. where .. "; known: ." .. table.concat(common.allowed, ", ."),
        { needle, class })
    end
  end
end

function common.check_attributes(el, known, where)
  known = known .. common.ANYWHERE
  for key, value in pairs(el.attributes) do
    if not known:includes(key) and not key:match("^data%-") and not key:match("^aria%-") then
      common.fail("unknown attribute " .. key .. " on " .. where .. "; known: " .. table.concat(known, ", ") ..
        ", data-*, aria-*", { key .. "=", value })
    end
  end
end

-- The attributes that any div may have, as HTML.
function common.kept(div)
  local made = {}
  for _, pair in ipairs(div.attributes) do
    if common.ANYWHERE:includes(pair[1]) or pair[1]:match("^data%-") or pair[1]:match("^aria%-") then
      local name = pair[1] == "drafted-by" and "data-drafted-by" or pair[1]
      table.insert(made, " " .. name .. '="' .. common.escape(pair[2]) .. '"')
    end
  end
  return table.concat(made)
end

-- The classes beside the one that makes a div a callout or a tabset, ready to follow it.
function common.other_classes(div, own)
  div.classes = div.classes:filter(function(class) return class ~= own end)
  common.check_classes(div, "a ::: div", ":::")
  return #div.classes > 0 and " " .. table.concat(div.classes, " ") or ""
end

return common
