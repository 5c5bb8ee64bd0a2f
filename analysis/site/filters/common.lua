-- What the parts of the filter share: the context from Python, the ids that got a number, errors, and checks
-- of classes and attributes.

local common = {
  context = {},                -- classes (allow list), numbers (for the `num` shortcode)
  allowed = pandoc.List {},
  labels = {},                 -- id -> {kind, number, letter}
  KINDS = { fig = "Figure", tbl = "Table", eq = "Equation" },
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

function common.escape(text)
  return (text:gsub("&", "&amp;"):gsub("<", "&lt;"):gsub(">", "&gt;"):gsub('"', "&quot;"))
end

function common.raw(html) return pandoc.RawBlock("html", html) end
function common.raw_inline(html) return pandoc.RawInline("html", html) end

-- "fig" of "fig-x", nil of an id that gets no number.
function common.kind_of(id)
  local kind = id:match("^(%a+)%-")
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
  for key, _ in pairs(el.attributes) do
    if not known:includes(key) and not key:match("^data%-") and not key:match("^aria%-") then
      common.fail("unknown attribute " .. key .. " on " .. where .. "; known: " .. table.concat(known, ", ") ..
        ", data-*, aria-*", { key .. "=" })
    end
  end
end

-- The classes beside the one that makes a div a callout or a tabset, ready to follow it.
function common.other_classes(div, own)
  div.classes = div.classes:filter(function(class) return class ~= own end)
  common.check_classes(div, "a ::: div", ":::")
  return #div.classes > 0 and " " .. table.concat(div.classes, " ") or ""
end

return common
