-- The first walk: numbers of the `num` shortcode put in, and what pandoc would pass on or drop in silence
-- refused.

local common = require("common")
local code, raw_html = require("code"), require("raw_html")
local fail, check_classes, check_attributes = common.fail, common.check_classes, common.check_attributes

local NUM, NUM_END = "\u{E000}", "\u{E001}" -- around the index of a number; set by source.py
local OPEN, CLOSE = "\u{E002}", "\u{E003}"  -- escaped shortcode braces; set by source.py
-- What an author escaped, as the sign it is and as it is written; set by source.py.
local ESCAPED = { ["\u{E004}"] = "{", ["\u{E005}"] = "[", ["\u{E006}"] = ":" }
local IMAGE_ATTRIBUTES = pandoc.List { "fig-alt", "alt", "width", "height", "loading", "title" }
local LINK_ATTRIBUTES = pandoc.List { "target", "rel", "title", "download" }
local SPAN_ATTRIBUTES = pandoc.List { "title", "source" }
local HEADER_CLASSES = pandoc.List { "unnumbered", "unlisted", "no-anchor" }

local function unescaped(text, before)
  for mark, sign in pairs(ESCAPED) do text = text:gsub(mark, before .. sign) end
  return text
end

local function plain(text, before)
  text = unescaped(text, before or "")
  text = text:gsub(NUM .. "(%d+)" .. NUM_END, function(i) return common.context.numbers[tonumber(i) + 1].text end)
  return (text:gsub(OPEN, "{{<"):gsub(CLOSE, ">}}"))
end

local function no_number(text, where)
  local index = text:match(NUM .. "(%d+)" .. NUM_END)
  if index then
    local name = common.context.numbers[tonumber(index) + 1].name
    fail("{{< num " .. name .. " >}} cannot stand in " .. where .. "; put it into the text", { NUM .. index .. NUM_END })
  end
  return plain(text, "\\") -- where a backslash is one
end

local function plain_attributes(el)
  for key, value in pairs(el.attributes) do el.attributes[key] = plain(value) end
end

local function check_str(el)
  local text = el.text
  if text:find("{{<", 1, true) then
    fail("a shortcode must stand on one line", { "{{<" })
  end
  if not text:find(NUM) and not text:find(OPEN) and not text:find(CLOSE) then return nil end
  local out, from = pandoc.List {}, 1
  while true do
    local first, last, index = text:find(NUM .. "(%d+)" .. NUM_END, from)
    local between = text:sub(from, (first or #text + 1) - 1)
    if between ~= "" then out:insert(pandoc.Str(plain(between))) end
    if not first then return out end
    local number = common.context.numbers[tonumber(index) + 1]
    -- A list of pairs, not a table by name: that would be printed in another order on every run.
    local attributes = pandoc.List {}
    if number.title then attributes:extend { { "title", number.title }, { "data-key", number.name } } end
    if number.experiment then attributes:insert { "data-experiment", number.experiment } end
    out:insert(pandoc.Span({ pandoc.Str(number.text) }, pandoc.Attr("", { "num" }, attributes)))
    from = last + 1
  end
end

-- What begins a line with ::: and is still text.
local function check_lines(el)
  for i, inline in ipairs(el.content) do
    local before = el.content[i - 1]
    if inline.t == "Str" and inline.text:match("^:::") and (not before or before.t == "SoftBreak" or before.t == "LineBreak") then
      fail("this ::: line is read as text; leave a blank line before it", { inline.text })
    end
  end
end

-- Quarto gives the whole of a `page-layout: full` its width only where no part of it stands in a column.
local function check_width(el, needle)
  for _, class in ipairs(el.classes) do
    if common.context.full and (class:match("^column%-") or class == "aside") then
      fail("." .. class .. " on a page with page-layout: full makes Quarto set the page in a column; leave one out",
        { needle, class })
    end
  end
end

local function check_raw(el, needle)
  if not el.format:match("^html") then fail("raw " .. el.format .. " would be left out of the page", { needle }) end
  local tag, own, does = raw_html.changed(el.text)
  if tag then fail("Quarto " .. does .. ": write <" .. tag.name .. " " .. own .. ">", { tag.text:match("^[^\n]*"), "<" .. tag.name }) end
  el.text = no_number(el.text, "raw HTML")
  return el
end

local function check_image(el)
  plain_attributes(el)
  check_attributes(el, IMAGE_ATTRIBUTES, "an image")
  check_classes(el, "an image", "](")
  check_width(el, "](")
  if el.src:find(NUM) then el.src = plain(el.src) end
  return el
end

local filter = {
  Str = check_str,
  Para = check_lines,
  Plain = check_lines,
  Image = check_image,
  Math = function(el) el.text = no_number(el.text, "a formula"); return el end,
  CodeBlock = function(el)
    el.text = no_number(el.text, "code")
    plain_attributes(el)
    return code.check(el)
  end,
  Code = function(el)
    if el.text:match("^{%a+}%s") then fail("pages run no code, inline code neither", { "`" .. el.text }) end
    el.text = no_number(el.text, "code")
    check_attributes(el, pandoc.List {}, "inline code")
    if #el.classes > 1 or (#el.classes == 1 and common.allowed:includes(el.classes[1])) then
      fail("inline code has one class, its language, not ." .. table.concat(el.classes, " ."), { "`", el.classes[#el.classes] })
    end
    return el
  end,
  RawInline = function(el) return check_raw(el, el.text:sub(1, 20)) end,
  RawBlock = function(el) return check_raw(el, el.text:match("^[^\n]*")) end,
  Link = function(el)
    plain_attributes(el)
    check_attributes(el, LINK_ATTRIBUTES, "a link")
    if not el.classes:includes("uri") and not el.classes:includes("email") then check_classes(el, "a link", "") end
    el.target = plain(el.target)
    return el
  end,
  Span = function(el)
    plain_attributes(el)
    check_attributes(el, SPAN_ATTRIBUTES, "a span")
    check_classes(el, "a span", "")
    check_width(el, "]{")
    return el
  end,
  Header = function(el)
    for _, class in ipairs(el.classes) do
      if not HEADER_CLASSES:includes(class) then
        fail("unknown class ." .. class .. " on a heading; known: ." .. table.concat(HEADER_CLASSES, ", ."), { class })
      end
    end
    plain_attributes(el)
    check_attributes(el, pandoc.List {}, "a heading")
    return el
  end,
  Div = function(el)
    check_width(el, ":::")
    plain_attributes(el) -- what a div may have depends on what it becomes: see convert_div
    return el
  end,
}

-- For the last walk: attributes that found nothing to belong to.
local function leftover(el)
  if el.text:match("^{[#.=]") or el.text:match("%[%^[^%s%]]+%]") then
    fail(el.text .. " belongs to nothing and would be shown as text", { el.text })
  end
  el.text = unescaped(el.text, "")
  return el
end

return { filter = filter, leftover = leftover }
