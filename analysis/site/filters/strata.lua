-- What Quarto adds to pandoc's Markdown, for the embedded renderer: numbered floats, equations, theorems and
-- callouts, cross-references, tabsets, figure grids, decorated code, content for one format, and the refusal of what
-- the two renderers would treat differently.
--
-- The tree is walked by the recursive function `convert`, not by a filter table: a filter that returns a div
-- of a kind it also matches would be called again on its own product.
--
-- `-M strata-context=FILE` names a JSON file with the allow list of classes, the numbers of the page, the words of its
-- language and the settings for code.

package.path = pandoc.path.join { pandoc.path.directory(PANDOC_SCRIPT_FILE), "?.lua" } .. ";" .. package.path

local common = require("common")
local fail, kind_of = common.fail, common.kind_of
local check_classes, check_attributes = common.check_classes, common.check_attributes
local checks, floats, boxes, references = require("checks"), require("floats"), require("boxes"), require("references")
local code, theorems, conditions = require("code"), require("theorems"), require("conditions")

local function convert_div(div, parent)
  local kind = kind_of(div.identifier)
  if kind == "fig" or kind == "tbl" or kind == "lst" then return floats.div_float(div, kind, parent) end
  for _, class in ipairs(div.classes) do
    local callout_kind = class:match("^callout%-(.*)$")
    if callout_kind and boxes.CALLOUTS:includes(callout_kind) then return boxes.callout(div, callout_kind) end
    if callout_kind then
      fail("unknown callout type " .. class .. "; known: note, tip, warning, important, caution", { ":::", class })
    end
    if class == "panel-tabset" then return boxes.tabset(div) end
  end
  local proved = theorems.convert(div)
  if proved then return proved end
  if kind then
    local what = kind == "eq" and "an equation" or "a callout"
    fail("the id " .. div.identifier .. " is that of " .. what .. ", which this div is not", { "#" .. div.identifier })
  end
  check_classes(div, "a ::: div", ":::")
  check_attributes(div, pandoc.List { "layout-ncol" }, "a ::: div")
  local columns = floats.columns_of(div)
  if not columns then
    div.content = common.convert(div.content)
  else
    div.content = floats.grid(div.content:map(function(block) return common.convert(pandoc.Blocks { block }) end), columns)
    div.classes:insert("quarto-layout-panel")
    div.attributes["data-layout-ncol"] = tostring(columns)
    div.attributes["layout-ncol"] = nil
  end
  return div
end

function common.convert(blocks, parent)
  local out = pandoc.Blocks {}
  for _, el in ipairs(blocks) do
    if el.t == "Div" then
      local made = convert_div(el, parent)
      if pandoc.utils.type(made) == "Blocks" then out:extend(made) else out:insert(made) end
    elseif el.t == "Figure" then
      local image = el.content[1] and el.content[1].content and el.content[1].content[1]
      if not image or image.t ~= "Image" then fail("a figure holds one image", { el.identifier }) end
      local id = el.identifier ~= "" and el.identifier or image.identifier
      out:insert(floats.image_figure(image, id, pandoc.utils.blocks_to_inlines(el.caption.long), parent))
    elseif el.t == "Table" then
      check_classes(el, "a table", "")
      check_attributes(el, pandoc.List {}, "a table")
      if kind_of(el.identifier) == "tbl" then
        out:insert(floats.table_float(el, parent, el.identifier, pandoc.utils.blocks_to_inlines(el.caption.long)))
      elseif kind_of(el.identifier) then
        fail("the id of a table starts with tbl-, not " .. el.identifier, { "#" .. el.identifier })
      else
        el.classes:insert("table")
        out:insert(pandoc.Div({ el }, pandoc.Attr("", { "table-responsive" })))
      end
    elseif el.t == "CodeBlock" then
      local caption = el.attributes["lst-cap"]
      if caption then
        local id = el.identifier
        el.identifier, el.attributes["lst-cap"] = "", nil
        out:insert(floats.listing(id, code.decorated(el), caption, parent))
      else
        out:extend(code.decorated(el))
      end
    elseif el.t == "Para" or el.t == "Plain" then
      local only = el.content[1]
      local linked = #el.content == 1 and only.t == "Link" and #only.content == 1 and only.content[1]
      if linked and linked.t == "Image" and (#linked.caption > 0 or kind_of(linked.identifier) == "fig") then
        out:insert(floats.image_figure(linked, linked.identifier, linked.caption, parent, only))
      elseif #el.content == 1 and only.t == "Image" and kind_of(only.identifier) == "fig" then
        out:insert(floats.image_figure(only, only.identifier, pandoc.Inlines {}, parent))
      else
        el.content = floats.equations(el.content)
        out:insert(el)
      end
    elseif el.t == "BlockQuote" then
      el.content = common.convert(el.content)
      out:insert(el)
    elseif el.t == "BulletList" or el.t == "OrderedList" then
      el.content = el.content:map(function(item) return common.convert(item) end)
      out:insert(el)
    elseif el.t == "DefinitionList" then
      el.content = el.content:map(function(item)
        return { item[1], item[2]:map(function(definition) return common.convert(definition) end) }
      end)
      out:insert(el)
    else
      out:insert(el)
    end
  end
  return out
end

function Pandoc(doc)
  local path = pandoc.utils.stringify(doc.meta["strata-context"])
  local file = assert(io.open(path, "r"))
  common.context = pandoc.json.decode(file:read("a"), false)
  file:close()
  doc.meta["strata-context"] = nil
  for kind, word in pairs(common.context.kinds) do common.KINDS[kind] = word end
  common.allowed, common.words = pandoc.List(common.context.classes), common.context.words
  doc = conditions.apply(doc)
  if common.context.settings["code-annotations"] == "none" then doc = doc:walk { Blocks = code.unannotated } end
  doc = doc:walk(checks.filter)
  doc.blocks = common.convert(doc.blocks)
  -- footnotes hold blocks, too; what is numbered in them comes after the text's
  doc = doc:walk { Note = function(el) return pandoc.Note(common.convert(el.content)) end }
  doc = doc:walk { Cite = references.cite, Image = floats.inline_image, Str = checks.leftover }
  return references.citations(doc)
end
