-- {{< num NAME >}} for Quarto: the number NAME of report/_generated/numbers.json, with where it comes from as
-- title. An unknown name ends the render, so that no page shows a number that nothing vouches for. The
-- embedded renderer does the same in analysis/site/source.py.

local numbers = nil

local function load()
  local root = quarto.project.directory
  if not root then error("num: the page is rendered outside its project; run quarto render at the project's root") end
  local path = pandoc.path.join({ root, "report", "_generated", "numbers.json" })
  local file = io.open(path, "r")
  if not file then error("num: there is no " .. path .. "; run the project's pre-render first") end
  numbers = quarto.json.decode(file:read("a"))
  file:close()
end

-- `context` is "text" in link targets, attributes and other places that take no markup.
local function num(args, _, _, _, context)
  if #args ~= 1 then error("num takes one name: {{< num NAME >}}") end
  if not numbers then load() end
  local name = pandoc.utils.stringify(args[1])
  local entry = numbers[name]
  if not entry then error("num: no number named '" .. name .. "' in report/_generated/numbers.json") end
  if context == "text" then return entry.text end
  -- A list of pairs, not a table by name: that would be printed in another order on every run.
  local attributes = pandoc.List {}
  if entry.title then attributes:extend { { "title", entry.title }, { "data-key", name } } end
  if entry.experiment then attributes:insert { "data-experiment", entry.experiment } end
  return pandoc.Inlines({ pandoc.Span({ pandoc.Str(entry.text) }, pandoc.Attr("", { "num" }, attributes)) })
end

return { ["num"] = num }
