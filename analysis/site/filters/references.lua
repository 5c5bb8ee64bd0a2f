-- Cross-references (@fig-x, @tbl-x, @thm-x, ...) and citations. Pandoc reads both as citations, so ours go first.

local common = require("common")
local fail, KINDS, labels = common.fail, common.KINDS, common.labels
local stringify = pandoc.utils.stringify

local function cross_reference(citation)
  local id = citation.id:gsub("^%u", string.lower)
  local found = labels[id]
  if not found then
    fail("unresolved cross-reference @" .. citation.id, { "@" .. citation.id })
  elseif #citation.suffix > 0 then
    fail("text after a cross-reference in brackets is not shown by Quarto", { "@" .. citation.id })
  end
  local text = found.number .. (found.letter and " (" .. found.letter .. ")" or "")
  if citation.mode ~= "SuppressAuthor" then
    local word = #citation.prefix > 0 and stringify(citation.prefix) or common.word(found.kind)
    text = word .. "\u{A0}" .. text
  end
  return pandoc.Link({ pandoc.Str(text) }, "#" .. id, "", pandoc.Attr("", { "quarto-xref" }))
end

local function cite(el)
  local ours, out = 0, pandoc.Inlines {}
  for _, citation in ipairs(el.citations) do
    local prefix = citation.id:match("^(%a+)%-")
    prefix = prefix and prefix:lower()
    -- Quarto numbers them and we do not; named so that the message can say what to do instead.
    if prefix and pandoc.List(common.context.unnumbered):includes(prefix) then
      fail("@" .. citation.id .. ": " .. prefix .. "- references are not supported; use a link: [text](#" ..
        citation.id .. ")", { "@" .. citation.id })
    end
    if prefix and KINDS[prefix] then
      ours = ours + 1
      if #out > 0 then out:extend { pandoc.Str(","), pandoc.Space() } end
      out:insert(cross_reference(citation))
    end
  end
  if ours == 0 then return nil end
  if ours < #el.citations then
    fail("cross-references and citations cannot share brackets", { "@" .. el.citations[1].id })
  end
  return out
end

-- Runs citeproc here, not by --citeproc, so that an unknown key is an error with a place.
local function citations(doc)
  local used = pandoc.List {}
  doc.blocks:walk { Cite = function(el)
    for _, citation in ipairs(el.citations) do used:insert(citation.id) end
  end }
  if #used == 0 and not doc.meta.nocite then return doc end
  local known = {}
  if doc.meta.bibliography then
    for _, reference in ipairs(pandoc.utils.references(doc)) do known[reference.id] = true end
  end
  for _, id in ipairs(used) do
    if not known[id] then fail("unknown citation key @" .. id, { "@" .. id }) end
  end
  local placed = false
  doc.blocks:walk { Div = function(el) placed = placed or el.identifier == "refs" end }
  doc = pandoc.utils.citeproc(doc)
  if not placed and #doc.blocks > 0 and doc.blocks[#doc.blocks].identifier == "refs" then
    doc.meta["strata-refs"] = pandoc.MetaBlocks { doc.blocks[#doc.blocks] }
    doc.blocks:remove(#doc.blocks)
  end
  return doc
end

return { cite = cite, citations = citations }
