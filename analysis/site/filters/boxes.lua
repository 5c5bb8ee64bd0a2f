-- Callouts and tabsets.

local common = require("common")
local fail, escape, raw, raw_inline, other_classes = common.fail, common.escape, common.raw, common.raw_inline, common.other_classes

local CALLOUTS = pandoc.List { "note", "tip", "warning", "important", "caution" }
local PREFIXES = { note = "nte", tip = "tip", warning = "wrn", important = "imp", caution = "cau" }
local tabsets = 0

local function callout(div, kind)
  common.check_attributes(div, pandoc.List { "title", "collapse", "icon", "appearance" }, "a callout")
  local title, content = div.attributes["title"], div.content
  local inlines
  if title then
    inlines = pandoc.utils.blocks_to_inlines(pandoc.read(title, "markdown").blocks)
  elseif #content > 0 and content[1].t == "Header" then
    inlines = content[1].content
    content:remove(1)
  end
  local numbered = common.kind_of(div.identifier)
  if numbered then
    if common.KINDS[numbered] ~= kind then
      fail("the id " .. div.identifier .. " does not belong to a callout-" .. kind .. ", whose ids begin with " ..
        PREFIXES[kind] .. "-", { "#" .. div.identifier })
    end
    local lead = pandoc.Inlines { pandoc.Str(common.label(numbered, div.identifier)) }
    inlines = inlines and #inlines > 0 and lead .. { pandoc.Str(":"), pandoc.Space() } .. inlines or lead
  end
  inlines = inlines or pandoc.Inlines { pandoc.Str(common.words[kind]) }
  local look = div.attributes["appearance"] or "default"
  if not pandoc.List { "default", "simple", "minimal" }:includes(look) then
    fail("appearance is default, simple or minimal, not " .. look, { "appearance" })
  end
  local classes = "callout callout-style-" .. look .. " callout-" .. kind .. " callout-titled" ..
    other_classes(div, "callout-" .. kind)
  local icon = div.attributes["icon"]
  if icon and icon ~= "true" and icon ~= "false" then fail("icon is true or false, not " .. icon, { "icon=" }) end
  if icon == "false" then classes = classes .. " no-icon" end
  local collapse = div.attributes["collapse"]
  if collapse and collapse ~= "true" and collapse ~= "false" then
    fail("collapse is true or false, not " .. collapse, { "collapse" })
  end
  local id = div.identifier ~= "" and ' id="' .. escape(div.identifier) .. '"' or ""
  local outer, head = collapse and "details" or "div", collapse and "summary" or "div"
  local open = collapse == "false" and " open" or ""
  local heading = pandoc.Plain(
    { raw_inline("<" .. head .. ' class="callout-header"><span class="callout-icon-container" aria-hidden="true">' ..
      '<i class="callout-icon"></i></span><span class="callout-title-container">') } .. inlines ..
    { raw_inline("</span></" .. head .. ">") })
  local body = pandoc.Div(common.convert(content), pandoc.Attr("", { "callout-body-container", "callout-body" }))
  return pandoc.Blocks { raw("<" .. outer .. id .. ' class="' .. classes .. '"' .. common.kept(div) .. open .. ">"), heading, body,
    raw("</" .. outer .. ">") }
end

local function unlinked(inlines)
  return inlines:walk { Link = function(el) return el.content end, Note = function() return {} end }
end

-- Roles stand in the HTML; that only one pane shows is left to the script, so that without it all can be
-- read.
local function tabset(div)
  local first = div.content[1]
  if not first or first.t ~= "Header" then fail("a .panel-tabset starts with a heading: the first tab", { "panel-tabset" }) end
  tabsets = tabsets + 1
  local own = tabsets -- tabsets within this one count on
  local tabs = pandoc.List {}
  for _, block in ipairs(div.content) do
    if block.t == "Header" and block.level == first.level then
      tabs:insert { title = unlinked(block.content), content = pandoc.Blocks {} }
    else
      tabs[#tabs].content:insert(block)
    end
  end
  other_classes(div, "panel-tabset")
  common.check_attributes(div, pandoc.List { "group" }, "a .panel-tabset")
  local group = div.attributes["group"]
  local list, panes = pandoc.Blocks { raw('<ul class="nav nav-tabs" role="tablist">') }, pandoc.Blocks {}
  for i, tab in ipairs(tabs) do
    local id, first_tab = string.format("tabset-%d-%d", own, i), i == 1
    list:insert(pandoc.Plain({ raw_inline(string.format(
      '<li class="nav-item" role="presentation"><a class="nav-link%s" id="%s-tab" role="tab" aria-controls="%s" ' ..
      'aria-selected="%s" href="#%s">', first_tab and " active" or "", id, id, tostring(first_tab), id)) } ..
      tab.title .. { raw_inline("</a></li>") }))
    local content = pandoc.Blocks { pandoc.Plain({ raw_inline('<p class="tab-heading" aria-hidden="true">') } ..
      tab.title .. { raw_inline("</p>") }) }
    content:extend(common.convert(tab.content))
    -- Real divs, not raw tags: a heading inside opens a section, which would otherwise run past the end of the pane.
    panes:insert(pandoc.Div(content, pandoc.Attr(id, first_tab and { "tab-pane", "active" } or { "tab-pane" },
      { { "role", "tabpanel" }, { "aria-labelledby", id .. "-tab" } })))
  end
  list:extend { raw("</ul>"), pandoc.Div(panes, pandoc.Attr("", { "tab-content" })) }
  div.content = list
  div.classes:insert(1, "panel-tabset")
  div.attributes["group"] = nil
  if group then div.attributes["data-group"] = group end
  return div
end

return { CALLOUTS = CALLOUTS, callout = callout, tabset = tabset }
