-- Content for one format only: this is HTML, and a post is made of it. Runs before all checks, as in Quarto. A post has
-- one theme: what is for the dark one is left out of it, and so is what only a page can do (`.page-only`), with the items
-- and paragraphs that held nothing else.

local common = require("common")
local fail = common.fail

local HTML = pandoc.List { "html", "html4", "html5", "html:js" }
local OTHER = pandoc.List {
  "pdf", "latex", "beamer", "docx", "pptx", "odt", "epub", "epub2", "epub3", "typst", "revealjs", "slidy", "s5",
  "dzslides", "ipynb", "gfm", "commonmark", "markdown", "hugo-md", "docusaurus-md", "dashboard", "email", "llms-txt",
  "asciidoc", "jats", "ms", "man", "context", "rtf", "rst", "org", "mediawiki", "icml", "opml", "tei", "texinfo",
}

-- Whether the element is shown; nil if it states no condition.
local function shown(el)
  if common.context.post and (el.classes:includes("dark-content") or el.classes:includes("page-only")) then return false end
  local visible, hidden = el.classes:includes("content-visible"), el.classes:includes("content-hidden")
  if not visible and not hidden then return nil end
  local matches = true
  for key, value in pairs(el.attributes) do
    if key == "when-format" or key == "unless-format" then
      if not HTML:includes(value) and not OTHER:includes(value) then
        fail(key .. ": unknown format " .. value .. "; known: " .. table.concat(HTML, ", ") .. ", " ..
          table.concat(OTHER, ", "), { key .. "=" })
      end
      matches = matches and (HTML:includes(value) == (key == "when-format"))
    elseif key:match("^when%-") or key:match("^unless%-") then
      fail(key .. " is not supported; conditions are when-format and unless-format", { key .. "=" })
    end
  end
  el.attributes["when-format"], el.attributes["unless-format"] = nil, nil
  el.classes = el.classes:filter(function(class) return class ~= "content-visible" and class ~= "content-hidden" end)
  return matches == visible
end

-- Whether blocks say nothing at all.
local function silent(blocks)
  for _, block in ipairs(blocks) do
    if (block.t ~= "Plain" and block.t ~= "Para") or block.content:find_if(function(one)
      return one.t ~= "Space" and one.t ~= "SoftBreak"
    end) then return false end
  end
  return true
end

local function spoken(list)
  if not common.context.post then return nil end
  list.content = list.content:filter(function(item) return not silent(item) end)
  if #list.content == 0 then return {} end
  return list
end

local emptied = {
  Para = function(para)
    if common.context.post and silent { para } then return {} end
  end,
  BulletList = spoken,
  OrderedList = spoken,
}

local kept = {
  -- From the top down: what is not shown is not looked into.
  traverse = "topdown",
  Div = function(div)
    local show = shown(div)
    if show == nil then return nil end
    if not show then return {}, false end
    if #div.classes == 0 and div.identifier == "" and #div.attributes == 0 then return div.content end
    return div
  end,
  Span = function(span)
    if shown(span) == false then return {}, false end
    return span
  end,
  Figure = function(figure)
    local image = figure.content[1] and figure.content[1].content and figure.content[1].content[1]
    if image and image.t == "Image" and shown(image) == false then return {}, false end
    return figure
  end,
  Image = function(image)
    if shown(image) == false then return {}, false end
    return image
  end,
  CodeBlock = function(block)
    if shown(block) == false then return {}, false end
    return block
  end,
}

local conditions = {}

-- The document with what is shown.
function conditions.apply(doc) return doc:walk(kept):walk(emptied) end

return conditions
