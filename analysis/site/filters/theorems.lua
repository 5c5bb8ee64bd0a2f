-- Theorems and their kin, which are numbered each by its own kind, and proofs, which are not.

local common = require("common")
local fail = common.fail

-- Prefix of the id -> the class that Quarto gives beside `theorem`.
local THEOREMS = {
  thm = "theorem", lem = "lemma", cor = "corollary", prp = "proposition", cnj = "conjecture", def = "definition",
  exm = "example", exr = "exercise",
}
local PROOFS = pandoc.List { "proof", "remark", "solution" }

local NUMBERED_BY_QUARTO = pandoc.List { "rem", "sol", "alg" }

-- The name in brackets: from the attribute, else from a heading that comes first.
local function named(div)
  local name = div.attributes["name"]
  div.attributes["name"] = nil
  if name then return pandoc.utils.blocks_to_inlines(pandoc.read(name, "markdown").blocks) end
  local first = div.content[1]
  if first and first.t == "Header" then
    div.content:remove(1)
    return first.content
  end
  return pandoc.Inlines {}
end

local function in_front(div, lead)
  local first = div.content[1]
  if not first then fail("the div " .. div.identifier .. " says nothing", { div.identifier }) end
  if first.t == "Para" then
    first.content = lead .. first.content
  else
    div.content:insert(1, pandoc.Para(lead))
  end
end

local function theorem(div, kind)
  common.check_attributes(div, pandoc.List { "name" }, "a theorem")
  local name, title = named(div), pandoc.Inlines { pandoc.Str(common.label(kind, div.identifier)) }
  if #name > 0 then title = title .. { pandoc.Space(), pandoc.Str("(") } .. name .. { pandoc.Str(")") } end
  in_front(div, pandoc.Inlines { pandoc.Span({ pandoc.Strong(title) }, pandoc.Attr("", { "theorem-title" })), pandoc.Space() })
  div.content = common.convert(div.content)
  common.check_classes(div, "a ::: div", ":::")
  div.classes:insert("theorem")
  if kind ~= "thm" then div.classes:insert(THEOREMS[kind]) end
  return div
end

local function proof(div, kind)
  common.check_attributes(div, pandoc.List { "name" }, "a proof")
  local name, title = named(div), pandoc.Inlines { pandoc.Emph { pandoc.Str(common.words[kind]) } }
  if #name > 0 then title = title .. { pandoc.Str(" (") } .. name .. { pandoc.Str(")") } end
  in_front(div, pandoc.Inlines { pandoc.Span(title .. { pandoc.Str(".") }, pandoc.Attr("", { "proof-title" })), pandoc.Space() })
  div.content = common.convert(div.content)
  common.other_classes(div, kind)
  div.classes:insert("proof")
  if kind ~= "proof" then div.classes:insert(kind) end
  return div
end

-- What a div becomes; nil if it is none of these.
local function convert(div)
  local kind = common.kind_of(div.identifier)
  if kind and THEOREMS[kind] then return theorem(div, kind) end
  local other = div.identifier:match("^(%a+)%-.")
  if NUMBERED_BY_QUARTO:includes(other) then
    fail("a div with an id that begins with " .. other .. "- would be numbered by Quarto; give it another id",
      { "#" .. div.identifier })
  end
  for _, class in ipairs(div.classes) do
    if PROOFS:includes(class) then return proof(div, class) end
  end
  return nil
end

return { convert = convert }
