-- {{< figure NAME >}} and {{< part NAME >}} for Quarto: what the build wrote into report/_generated/NAME.md, a figure
-- with its caption or a part of a page, as if it stood there. It is read while the page is rendered: an include is
-- expanded before pre-render has run, so in a fresh clone there would be nothing to include. The embedded renderer
-- does the same in analysis/site/source.py.

local FOLDER = { "report", "_generated" }

local function fragment(kind)
  return function(args, kwargs)
    if #args ~= 1 or next(kwargs or {}) then error(kind .. " takes one name: {{< " .. kind .. " NAME >}}") end
    local name = pandoc.utils.stringify(args[1])
    if not name:match("^[%w_-]+$") then error(kind .. ": a name has letters, digits, - and _, not '" .. name .. "'") end
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
