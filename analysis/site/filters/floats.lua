-- Numbered things: equations, figures, tables, listings, and grids of sub-figures. Numbers count up in document order
-- and restart on each page, as in a Quarto website.

local common = require("common")
local fail, escape, raw, raw_inline, kind_of, check_classes = common.fail, common.escape, common.raw, common.raw_inline, common.kind_of, common.check_classes
local label, labels = common.label, common.labels

local function equations(inlines)
  local out, i = pandoc.Inlines {}, 1
  while i <= #inlines do
    local math, tag = inlines[i], inlines[i + 1]
    local skip = 1
    if tag and tag.t == "Space" then tag, skip = inlines[i + 2], 2 end
    local id, rest
    if math.t == "Math" and math.mathtype == "DisplayMath" and tag and tag.t == "Str" then
      id, rest = tag.text:match("^{#(eq%-[%w%-_]+)}(.*)$")
    end
    if id then
      label("eq", id)
      out:extend { raw_inline('<span id="' .. id .. '" class="equation">'), math,
        raw_inline('<span class="eq-number">(' .. labels[id].number .. ")</span></span>") }
      if rest ~= "" then out:insert(pandoc.Str(rest)) end
      i = i + skip + 1
    else
      out:insert(math)
      i = i + 1
    end
  end
  return out
end

local function columns_of(div)
  local text = div.attributes["layout-ncol"]
  if not text then return nil end
  local columns = tonumber(text)
  if not columns or columns < 1 or columns > 6 or columns % 1 ~= 0 then
    fail("layout-ncol is a whole number from 1 to 6, not " .. text, { "layout-ncol" })
  end
  return columns
end

-- `group_alt`: a drawing without <img> has no place for its alt text, so the group around it carries it.
local function float(kind, id, classes, content, caption, parent, name, group_alt)
  local sub = parent and "subfloat" or "float"
  local place = kind == "fig" and "bottom" or "top"
  local lead = pandoc.Inlines { pandoc.Str(name) }
  if #caption > 0 then
    lead:extend(parent and { pandoc.Space() } or { pandoc.Str(":"), pandoc.Space() })
    lead:extend(caption)
  end
  local open = string.format('<figcaption class="quarto-float-caption-%s quarto-%s-caption quarto-%s-%s" id="%s-caption">',
    place, sub, sub, kind, escape(id))
  local caption_block = pandoc.Plain({ raw_inline(open) } .. lead .. { raw_inline("</figcaption>") })
  local attributes = { { "aria-describedby", id .. "-caption" } }
  if group_alt then attributes = { attributes[1], { "role", "group" }, { "aria-label", group_alt } } end
  local holder = pandoc.Div(content, pandoc.Attr("", {}, attributes))
  local inner = pandoc.Blocks { raw('<figure class="quarto-float quarto-' .. sub .. "-" .. kind .. ' figure">') }
  inner:extend(place == "top" and { caption_block, holder } or { holder, caption_block })
  inner:insert(raw("</figure>"))
  local outer = pandoc.List { "quarto-float", "quarto-figure", "quarto-figure-" .. (kind == "lst" and "left" or "center"),
    "anchored" }
  if kind == "lst" then outer:insert(1, "listing") end
  return pandoc.Div(inner, pandoc.Attr(id, outer .. classes))
end

local function name_float(kind, id, parent)
  if not parent then return label(kind, id) end
  if labels[id] then common.fail_twice(id) end
  parent.count = parent.count + 1
  local letter = string.char(96 + parent.count)
  labels[id] = { kind = kind, number = labels[parent.id].number, letter = letter }
  return "(" .. letter .. ")"
end

-- Classes that stay with the picture; those that say where it stands go to what is around it, as in Quarto.
local THEMED = pandoc.List { "light-content", "dark-content" }

-- The alt text goes into the image's own text, which is what pandoc's HTML writer prints as `alt`.
local function picture(image, alt, numbered)
  alt = image.attributes["fig-alt"] or image.attributes["alt"] or alt
  if not alt or alt:match("^%s*$") then
    fail("a figure needs an alt text: {fig-alt=\"what one sees\"}", { image.src })
  end
  image.attributes["fig-alt"], image.attributes["alt"] = nil, nil
  image.caption = pandoc.Inlines { pandoc.Str(alt) }
  local kept = image.classes:filter(function(class) return THEMED:includes(class) end)
  local outer = image.classes:filter(function(class) return common.allowed:includes(class) and not THEMED:includes(class) end)
  image.classes = pandoc.List { "img-fluid", "figure-img" } .. kept
  image.identifier = numbered and "" or image.identifier
  return image, outer
end

-- `link` is around the image, if one is.
local function image_figure(image, id, caption, parent, link)
  local classes
  image, classes = picture(image, nil, id ~= "")
  local shown = pandoc.Plain { image }
  if link then
    link.content = pandoc.Inlines { image }
    shown = pandoc.Plain { link }
  end
  if id == "" then
    if parent then fail("a figure in a numbered grid needs an id of its own: {#fig-...}", { image.src }) end
    local inner = pandoc.Blocks { raw('<figure class="figure">'), shown }
    inner:insert(pandoc.Plain({ raw_inline("<figcaption>") } .. caption .. { raw_inline("</figcaption>") }))
    inner:insert(raw("</figure>"))
    return pandoc.Div(inner, pandoc.Attr("", pandoc.List { "quarto-figure", "quarto-figure-center" } .. classes))
  end
  if kind_of(id) ~= "fig" then fail("the id of a figure starts with fig-, not " .. id, { "#" .. id }) end
  return float("fig", id, classes, { shown }, caption, parent, name_float("fig", id, parent))
end

local function table_float(el, parent, id, caption)
  el.classes:extend { "caption-top", "table" }
  el.caption = pandoc.Caption {}
  el.identifier = ""
  return float("tbl", id, {}, { el }, caption, parent, name_float("tbl", id, parent))
end

-- A block of code with `lst-cap`, decorated already.
local function listing(id, content, caption, parent)
  local inlines = pandoc.utils.blocks_to_inlines(pandoc.read(caption, "markdown").blocks)
  return float("lst", id, {}, content, inlines, parent, name_float("lst", id, parent))
end

local function has_image(blocks)
  local found = false
  blocks:walk {
    Image = function() found = true end,
    RawBlock = function(el) found = found or el.text:lower():find("<img", 1, true) ~= nil end,
    RawInline = function(el) found = found or el.text:lower():find("<img", 1, true) ~= nil end,
  }
  return found
end

-- Rows of `columns` cells, each as wide as the others; a cell is what one block became.
local function grid(cells, columns, parent_id)
  local rows, row = pandoc.Blocks {}, nil
  local style = string.format("flex-basis: %.1f%%;", 100 / columns)
  for i, cell in ipairs(cells) do
    if (i - 1) % columns == 0 then
      row = pandoc.Div({}, pandoc.Attr("", { "quarto-layout-row" }))
      rows:insert(row)
    end
    local classes = parent_id and { "quarto-layout-cell-subref", "quarto-layout-cell" } or { "quarto-layout-cell" }
    -- A list of pairs, not a table by name: that would be printed in another order on every run.
    local attributes = { { "style", style } }
    if parent_id then table.insert(attributes, 1, { "data-ref-parent", parent_id }) end
    rows[#rows].content:insert(pandoc.Div(cell, pandoc.Attr("", classes, attributes)))
  end
  return rows
end

local function div_float(div, kind, parent)
  local known = pandoc.List { "layout-ncol" }
  if kind == "fig" then known:insert("fig-alt") end
  common.check_attributes(div, known, "the div of a " .. common.word(kind):lower())
  local id, alt, columns = div.identifier, div.attributes["fig-alt"], columns_of(div)
  local content, caption = div.content, pandoc.Inlines {}
  local last = content[#content]
  if #content > 1 and last.t == "Para" and not (#last.content == 1 and last.content[1].t == "Image") then
    caption = last.content
    content:remove(#content)
  elseif kind == "tbl" and #content == 1 and last.t == "Table" and #last.caption.long > 0 then
    caption = pandoc.utils.blocks_to_inlines(last.caption.long)
    last.caption = pandoc.Caption {}
  else
    fail("the div " .. id .. " needs a caption: its last paragraph", { "#" .. id })
  end
  local name = name_float(kind, id, parent)
  local group = { id = id, count = 0 }
  if kind == "fig" and #content == 1 and content[1].t == "Figure" and content[1].identifier == "" then
    fail("the image in " .. id .. " has a caption of its own; leave its brackets empty", { "#" .. id })
  end
  local cells = pandoc.List {}
  for _, block in ipairs(content) do
    if kind == "fig" and block.t == "Para" and #block.content == 1 and block.content[1].t == "Image"
        and block.content[1].identifier == "" then
      local image, classes = picture(block.content[1], alt, true)
      div.classes:extend(classes)
      cells:insert(pandoc.Blocks { pandoc.Plain { image } })
    else
      cells:insert(common.convert(pandoc.Blocks { block }, group))
    end
  end
  if kind == "fig" and group.count == 0 and (not alt or alt:match("^%s*$")) then
    fail("the figure " .. id .. " needs an alt text: fig-alt=\"what one sees\"", { "#" .. id })
  end
  if kind == "lst" and not content:find_if(function(block) return block.t == "CodeBlock" end) then
    fail("the listing " .. id .. " holds no block of code", { "#" .. id })
  end
  local subs = group.count > 0
  local children = pandoc.Blocks {}
  if columns then
    children = grid(cells, columns, subs and id or nil)
  else
    for _, cell in ipairs(cells) do children:extend(cell) end
  end
  check_classes(div, "a ::: div", ":::")
  local outer = float(kind, id, div.classes, children, caption, parent, name, not has_image(children) and alt or nil)
  if columns or subs then outer.classes:insert("quarto-layout-panel") end
  if columns then outer.attributes["data-layout-ncol"] = tostring(columns) end
  for _, pair in ipairs(div.attributes) do
    if pair[1] ~= "fig-alt" and pair[1] ~= "layout-ncol" then outer.attributes[pair[1]] = pair[2] end
  end
  return outer
end

-- Images outside figures: their text in brackets is the alt text.
local function inline_image(el)
  if el.classes:includes("figure-img") then return nil end -- done, as part of a figure
  if common.kind_of(el.identifier) then
    fail("the figure " .. el.identifier .. " stands in a paragraph with other things; give it a paragraph of its own",
      { "#" .. el.identifier })
  end
  local alt = el.attributes["fig-alt"] or el.attributes["alt"] or pandoc.utils.stringify(el.caption)
  if alt:match("^%s*$") then fail("an image needs an alt text: ![what one sees](...)", { el.src }) end
  el.attributes["fig-alt"], el.attributes["alt"] = nil, nil
  el.caption = pandoc.Inlines { pandoc.Str(alt) }
  el.classes:insert("img-fluid")
  return el
end

return {
  equations = equations, image_figure = image_figure, table_float = table_float, div_float = div_float,
  listing = listing,
  grid = grid, columns_of = columns_of, inline_image = inline_image,
}
