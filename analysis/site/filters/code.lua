-- Blocks of code: names of files, captions with numbers, numbers of lines, folding. A class or an attribute that
-- Quarto gives a meaning and we do not is refused.

local common = require("common")
local fail, raw, raw_inline = common.fail, common.raw, common.raw_inline

-- Behind the language, which is the first class.
local CLASSES = pandoc.List {
  "numberLines", "number-lines", "cell-code", "output", "code-overflow-wrap", "code-overflow-scroll",
}
local ATTRIBUTES = pandoc.List {
  "filename", "lst-cap", "startFrom", "code-line-numbers", "code-fold", "code-summary", "shortcodes", "lang",
}
-- How a line ends that code annotations speak of: a comment of any language with a number in it.
local ANNOTATED = { "[#%%;]%s*<%d+>%s*$", "//%s*<%d+>%s*$", "%-%-%s*<%d+>%s*$", "/%*%s*<%d+>%s*%*/%s*$", "<!%-%-%s*<%d+>%s*%-%->%s*$" }
-- For which languages Quarto knows annotations: their comments begin so, and end so.
local COMMENTS = {}
for sign, languages in pairs {
  ["#"] = "r python julia powershell bash stan octave awk gawk sed perl ruby coffee yaml elm",
  ["//"] = "scala csharp fsharp cpp cc java groovy js d3 node sass scss go asy dot json typescript swift javascript",
  ["--"] = "sql mysql psql lua haskell vhdl",
  ["%"] = "matlab tikz latex", ["%%"] = "mermaid", ["!"] = "fortran fortran95", ["*"] = "stata", ["⍝"] = "apl",
  ["/*"] = "c css",
} do
  for language in languages:gmatch("%S+") do COMMENTS[language] = { sign, sign == "/*" and "*/" or "" } end
end
COMMENTS.sas = { "*", ";" }

local function literally(sign) return (sign:gsub("%p", "%%%0")) end

-- For `code-annotations: none`, as Quarto has it: the marks go out of the code, and the list that explains them with
-- them. Code of cells stands in a cell's div for Quarto, and is left alone elsewhere.
local function unannotated(blocks)
  local out, explained = pandoc.Blocks {}, false
  for _, el in ipairs(blocks) do
    local found = false
    local comment = el.t == "CodeBlock" and not el.classes:includes("cell-code") and COMMENTS[el.classes[1]]
    if comment then
      local mark = "%s*" .. literally(comment[1]) .. "%s*<%d+>%s*" .. literally(comment[2]) .. "%s*$"
      local lines = {}
      for line in (el.text .. "\n"):gmatch("(.-)\n") do
        local plain, count = line:gsub(mark, "")
        found = found or count > 0
        table.insert(lines, plain)
      end
      el.text = table.concat(lines, "\n")
    end
    if not (explained and el.t == "OrderedList") then out:insert(el) end
    explained = found
  end
  return out
end

local function truth(el, key)
  local value = el.attributes[key] or common.context.settings[key]
  if value and value ~= "true" and value ~= "false" then
    fail(key .. " is true or false here, not " .. value, { key .. "=" })
  end
  return value == "true"
end

-- For the first walk.
local function check(el)
  for place, class in ipairs(el.classes) do
    local language = place == 1 and not CLASSES:includes(class)
    local quartos = common.allowed:includes(class) or class:match("^callout") or class:match("^content%-")
        or class:match("^column%-") or class:match("^panel%-")
    if not CLASSES:includes(class) and (not language or quartos) then
      fail("unknown class ." .. class .. " on a code block; after the language it knows: ." ..
        table.concat(CLASSES, ", ."), { "." .. class })
    end
  end
  common.check_attributes(el, ATTRIBUTES, "a code block")
  -- with `code-annotations: false` Quarto leaves them in the code; with `none` they are gone already
  local setting = common.context.settings["code-annotations"]
  for line in (setting ~= "false" and setting ~= "none" and el.text or ""):gmatch("[^\n]+") do
    for _, pattern in ipairs(ANNOTATED) do
      if line:match(pattern) then
        fail("code annotations are not supported; say it in the text, or in a comment without <...>", { line })
      end
    end
  end
  local id = el.identifier
  if el.attributes["lst-cap"] and not id:match("^lst%-") then
    fail("a code block with lst-cap needs an id: {#lst-...}", { "lst-cap" })
  elseif id:match("^lst%-") and not el.attributes["lst-cap"] then
    fail("the listing " .. id .. " needs a caption: lst-cap=\"...\"", { "#" .. id })
  elseif common.kind_of(id) and not id:match("^lst%-") then
    fail("the id of a code block starts with lst-, not " .. id, { "#" .. id })
  end
  el.attributes["shortcodes"] = nil
  return el
end

-- The code with what stands around it, its caption apart: blocks.
local function decorated(el)
  local name, summary = el.attributes["filename"], el.attributes["code-summary"]
  local fold = el.attributes["code-fold"]
  if fold and not pandoc.List { "true", "false", "show" }:includes(fold) then
    fail("code-fold is true, false or show, not " .. fold, { "code-fold=" })
  end
  if (fold or summary) and not el.classes:includes("cell-code") then
    fail("Quarto folds code of cells only; give the block the class, too: {.python .cell-code code-fold=\"true\"}",
      { fold and "code-fold=" or "code-summary=" })
  end
  if truth(el, "code-line-numbers") and #el.classes > 0 then el.classes:insert("numberLines") end
  el.classes = el.classes:map(function(class) return class == "number-lines" and "numberLines" or class end)
  for _, key in ipairs { "filename", "code-summary", "code-fold", "code-line-numbers" } do el.attributes[key] = nil end
  local blocks = pandoc.Blocks { el }
  if el.classes:includes("cell-code") then
    fold = fold or common.context.settings["code-fold"] or "false"
    if fold ~= "false" then
      local said = pandoc.utils.blocks_to_inlines(
        pandoc.read(summary or common.context.settings["code-summary"] or common.words.code, "markdown").blocks)
      blocks = pandoc.Blocks { raw('<details class="code-fold"' .. (fold == "show" and " open" or "") .. ">"),
        pandoc.Plain({ raw_inline("<summary>") } .. said .. { raw_inline("</summary>") }), el, raw("</details>") }
    end
  end
  if name then
    local head = pandoc.Div({ pandoc.Plain { pandoc.Strong { pandoc.Str(name) } } },
      pandoc.Attr("", { "code-with-filename-file" }))
    blocks:insert(1, head)
    blocks = pandoc.Blocks { pandoc.Div(blocks, pandoc.Attr("", { "code-with-filename" })) }
  end
  return blocks
end

return { check = check, unannotated = unannotated, decorated = decorated }
