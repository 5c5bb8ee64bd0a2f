-- {{< figure NAME key=value >}} and {{< part NAME >}} for Quarto: what the build wrote into report/_generated, a figure
-- with its caption or a part of a page, as if it stood there. It is read while the page is rendered: an include is
-- expanded before pre-render has run, so in a fresh clone there would be nothing to include. The embedded renderer
-- does the same in analysis/site/source.py.

local FOLDER = { "report", "_generated" }

local function word(what, text)
  if not text:match("^[%w_.-]+$") then error(what .. ": letters, digits, dots, - and _ only, not '" .. text .. "'") end
  return text
end

-- The name of what a call makes: as analysis/figures/asked.py has it, which the build goes by.
local function made(name, kwargs)
  local keys, given = {}, {}
  for key, value in pairs(kwargs or {}) do
    local text = pandoc.utils.stringify(value)
    given[key] = word(key, text)
    if key ~= "as" then table.insert(keys, key) end
  end
  if given["as"] then return given["as"] end
  table.sort(keys)
  for _, key in ipairs(keys) do name = name .. "_" .. given[key]:gsub("[.-]", "_") end
  return name
end

local function fragment(kind)
  return function(args, kwargs)
    if #args ~= 1 then error(kind .. " takes one name: {{< " .. kind .. " NAME >}}") end
    if kind == "part" and next(kwargs or {}) then error("a part takes no arguments") end
    local name = made(word(kind, pandoc.utils.stringify(args[1])), kwargs)
    local root = quarto.project.directory
    if not root then error(kind .. ": the page is rendered outside its project; run quarto render at the project's root") end
    local path = pandoc.path.join({ root, FOLDER[1], FOLDER[2], name .. ".md" })
    local file = io.open(path, "r")
    if not file then error(kind .. ": there is no " .. path .. "; the project's pre-render makes what pages ask for by its name") end
    local text = file:read("a")
    file:close()
    return quarto.utils.string_to_blocks(text)
  end
end

return { ["figure"] = fragment("figure"), ["part"] = fragment("part") }
